import type { ValueId } from '../../graph.ts';
import type { Draft, DraftOf, Program } from '../draft.ts';
import { type Around, rewrite } from './rewrite.ts';

/** Exporters write 1/6 with six or seven digits. */
const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b));

/** One number for all channels, with no shift; null for another affine. */
const factorOf = ({ scale, shift }: DraftOf<'affine'>): number | null =>
  scale.length === 1 && shift.every((value) => value === 0) ? (scale[0] ?? null) : null;

type Ramp = { input: ValueId; alpha: number; beta: number };

/** alpha · x + beta, with one number each, over as many factors and shifts as nobody else reads. */
function line(value: ValueId, { made, once }: Around): Ramp {
  let [input, alpha, beta] = [value, 1, 0];
  for (;;) {
    const affine = once(input) ? made(input, 'affine') : undefined;
    const [s = 1, ...others] = affine?.scale ?? [];
    const [t = 0, ...rest] = affine?.shift ?? [];
    if (affine === undefined || others.length > 0 || rest.length > 0) return { input, alpha, beta };
    [input, alpha, beta] = [affine.input, alpha * s, alpha * t + beta];
  }
}

/** clip(s · x + t, 0, high) · factor, where it is clip(alpha · x + beta, 0, 1). */
function ramp(clip: DraftOf<'clip'> | undefined, factor: number, around: Around): Ramp | undefined {
  if (clip?.low !== 0 || !near(clip.high * factor, 1)) return undefined;
  const { input, alpha, beta } = line(clip.input, around);
  if (input === clip.input || alpha <= 0) return undefined;
  return { input, alpha: alpha * factor, beta: beta * factor };
}

const isHardSwish = ({ alpha, beta }: Ramp): boolean => near(alpha, 1 / 6) && near(beta, 1 / 2);

/** A hard sigmoid spelled as shift, clip and a factor; and x · clip(x + 3, 0, 6), then a sixth. */
function fromAffine(op: DraftOf<'affine'>, around: Around): Draft | undefined {
  const factor = factorOf(op);
  if (factor === null || factor <= 0) return undefined;
  const { name, output } = op;
  const plain = ramp(around.made(op.input, 'clip'), factor, around);
  if (plain !== undefined && around.once(op.input)) return { kind: 'hard-sigmoid', name, output, ...plain };
  const product = around.made(op.input, 'mul');
  if (product === undefined || !around.once(op.input)) return undefined;
  for (const [x, gate] of [product.inputs, product.inputs.toReversed()]) {
    const found = gate === undefined ? undefined : ramp(around.made(gate, 'clip'), factor, around);
    if (found?.input === x && isHardSwish(found))
      return { kind: 'hard-swish', name, output, input: found.input };
  }
  return undefined;
}

/** x · sigmoid(x) and x · hard-sigmoid(x). */
function fromProduct({ name, output, inputs }: DraftOf<'mul'>, { made }: Around): Draft | undefined {
  for (const [x, gate] of [inputs, inputs.toReversed()]) {
    if (x === undefined || gate === undefined) continue;
    if (made(gate, 'sigmoid')?.input === x) return { kind: 'silu', name, output, input: x };
    const hard = made(gate, 'hard-sigmoid');
    if (hard?.input === x && isHardSwish(hard)) return { kind: 'hard-swish', name, output, input: x };
  }
  return undefined;
}

/** A ramp between 0 and 1 without a factor. */
function fromClip(op: DraftOf<'clip'>, around: Around): Draft | undefined {
  const { name, output } = op;
  const found = ramp(op, 1, around);
  return found && { kind: 'hard-sigmoid', name, output, ...found };
}

/** Hard sigmoid, hard swish and SiLU out of the pieces that exporters write. */
export const fuseActivations = (program: Program): Program =>
  rewrite(program, (op, around) => {
    if (op.kind === 'affine') return fromAffine(op, around);
    if (op.kind === 'mul') return fromProduct(op, around);
    if (op.kind === 'clip') return fromClip(op, around);
    return undefined;
  });
