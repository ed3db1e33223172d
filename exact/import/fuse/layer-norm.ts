import type { ValueId } from '../../graph.ts';
import type { Draft, Program } from '../draft.ts';
import { type Around, rewrite } from './rewrite.ts';

/** The value whose mean along the last axis is subtracted from it. */
function centred(value: ValueId, { made }: Around): ValueId | undefined {
  const subtract = made(value, 'subtract');
  if (subtract === undefined) return undefined;
  const [x, mean] = subtract.inputs;
  return made(mean, 'mean-last')?.input === x ? x : undefined;
}

/** The value that is squared: by a power or by itself. */
function squared(value: ValueId, { made }: Around): ValueId | undefined {
  const power = made(value, 'power');
  if (power !== undefined) return power.exponent === 2 ? power.input : undefined;
  const [a, b] = made(value, 'mul')?.inputs ?? [];
  return a === b ? a : undefined;
}

function normalised(op: Draft, around: Around): Draft | undefined {
  if (op.kind !== 'divide') return undefined;
  const { made, shapes } = around;
  const [numerator, denominator] = op.inputs;
  const root = made(denominator, 'power');
  const variance = root?.exponent === 0.5 ? made(root.input, 'affine') : undefined;
  const [epsilon, ...others] = variance?.shift ?? [];
  const scaled = variance?.scale.some((value) => value !== 1) ?? true;
  if (variance === undefined || epsilon === undefined || others.length > 0 || scaled) return undefined;
  const square = made(variance.input, 'mean-last')?.input;
  const deviation = square === undefined ? undefined : squared(square, around);
  const input = centred(numerator, around);
  // Some exporters subtract the mean twice, once for each use.
  if (input === undefined || deviation === undefined || centred(deviation, around) !== input)
    return undefined;
  const width = shapes.get(input)?.at(-1) ?? 0;
  const [scale, shift] = [new Float64Array(width).fill(1), new Float64Array(width)];
  return { kind: 'layer-norm', name: op.name, output: op.output, input, scale, shift, epsilon };
}

/** (x − mean) / √(variance + ε) over the last axis; a scale and a shift after it are folded in later. */
export const fuseLayerNorm = (program: Program): Program => rewrite(program, normalised);
