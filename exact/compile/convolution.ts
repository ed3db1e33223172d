import { EXACT_BOUND } from '../format.ts';
import type { Context } from './context.ts';
import { fitWeights, type FittedWeights } from './fit-weights.ts';
import type { Summing } from './layout.ts';
import type { Target } from './plan.ts';
import { isPadded } from './prepare.ts';
import { clipAndFloor, withZero } from './requantise.ts';
import { emitSplit, partsFor } from './split.ts';
import { at, mapChannels, perChannel, type Typed } from './typed.ts';

/** The offset of the input may cost this many bits where it is padded with zeros; that of anything later is small, and none. */
const MOST_FRACTION = 3;
/** How far padding may be from the real 0, in units of the input: the bias takes in the rest everywhere but at the border. */
const CLOSE_ENOUGH = 1 / 8;

function zeroFraction(zero: Float64Array): number {
  if (zero.every((value) => Math.abs(value) <= 1)) return 0;
  const close = (step: number) => (value: number) =>
    Math.abs(Math.round(value * step) / step - value) <= CLOSE_ENOUGH;
  let fraction = 0;
  while (fraction < MOST_FRACTION && !zero.every(close(2 ** fraction))) fraction++;
  return fraction;
}

/** Convolutions and products with constant matrices, requantised to the grid of `target`; in parts where the sum is too long. */
export function emitSumming(
  context: Context,
  op: Summing,
  given: Typed,
  target: Target,
  shape: readonly number[],
): Typed {
  const x = isPadded(op) ? withZero(context, given, zeroFraction(given.zero)) : given;
  const parts = partsFor(op, x, target, perChannel(shape), context.weightBits);
  return parts === 1
    ? emitWhole(context, op, x, target, shape)
    : emitSplit(context, op, x, target, shape, parts, emitWhole);
}

/**
 * A Clip that lifts everything to a bound above 0 has that bound on the grid of the sum, however small the sum is; other bounds
 * count only where the sum reaches them.
 */
function finestFor({ low, high, final }: Target, fraction: number): number | undefined {
  const bound = final ? 0 : Math.max(low, -high);
  if (bound <= 0) return undefined;
  let finest = -fraction;
  while (bound * 2 ** (finest + 1 + fraction) < EXACT_BOUND) finest++;
  return finest;
}

function emitWhole(context: Context, op: Summing, x: Typed, target: Target, shape: readonly number[]): Typed {
  const fitted = fitWeights(
    op,
    x,
    target.scale,
    finestFor(target, x.fraction),
    context.means(op.input),
    context.sumBound,
  );
  const { low, high, grids, bits, worst } = fitted;
  context.notes.push({
    node: op.name,
    kind: op.kind,
    macs: multiplyAdds(op, shape),
    grids,
    weightBits: bits.reduce((least, some) => (some === 0 ? least : Math.min(least, some)), Infinity),
    slackBits: Math.log2(EXACT_BOUND / worst),
  });
  const name = writeNode(context, op, x.name, fitted);
  return {
    ...clipAndFloor(context, { name, shape, low, high }, target.final ? null : target, op.output),
    shape,
    scale: mapChannels(grids.length, (c) => at(target.scale, c)),
    zero: new Float64Array(grids.length),
    fraction: 0,
  };
}

const multiplyAdds = (op: Summing, shape: readonly number[]): number => {
  const [, second = 1, height = 1, width = 1] = op.weight.shape;
  const results = shape.reduce((all, size) => all * size, 1);
  if (op.kind === 'linear') return results * (op.weight.shape[0] ?? 1);
  if (op.kind === 'conv') return results * second * height * width;
  return (results * (op.weight.shape[0] ?? 1)) / op.groups;
};

function writeNode(
  { builder }: Context,
  op: Summing,
  input: string,
  { weights, bias }: FittedWeights,
): string {
  const weight = builder.weights(`${op.output}/weight`, op.weight.shape, weights);
  const output = `${op.output}/sum`;
  if (op.kind === 'linear') {
    const product = builder.node('MatMul', [input, weight], `${op.output}/product`);
    return builder.node('Add', [product, builder.floats(`${op.output}/bias`, [bias.length], bias)], output);
  }
  const inputs = [input, weight, builder.floats(`${op.output}/bias`, [bias.length], bias)];
  const [, , height = 1, width = 1] = op.weight.shape;
  const common = { kernel_shape: [height, width], strides: op.strides, group: op.groups };
  if (op.kind === 'conv-transpose') return builder.node('ConvTranspose', inputs, output, common);
  return builder.node('Conv', inputs, output, { ...common, pads: op.pads, dilations: op.dilations });
}
