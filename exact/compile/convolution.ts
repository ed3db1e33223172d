import { EXACT_BOUND } from '../format.ts';
import type { Context } from './context.ts';
import { fit, type Fitted, type Sum } from './fit.ts';
import type { Target } from './plan.ts';
import { layoutOf, type Layout, type Summing } from './layout.ts';
import { outputChannel } from './prepare.ts';
import { Refusal } from './refusal.ts';
import { clipAndFloor, withZero } from './requantise.ts';
import { at, mapChannels, type Typed } from './typed.ts';

/** The offset of the input may cost this many bits where it is padded with zeros; that of anything later is small, and none. */
const MOST_FRACTION = 3;
/** How far padding may be from the real 0, in units of the input: the bias takes in the rest everywhere but at the border. */
const CLOSE_ENOUGH = 1 / 8;
const ROUNDING_HALF = 0.5;

/** The indices of each channel's weights, slot by slot. */
function indicesOf(op: Summing, { channels, slots, slotOf }: Layout): number[][] {
  const lists = Array.from({ length: channels * slots }, (): number[] => []);
  const channelOf = outputChannel(op);
  for (let i = 0; i < op.weight.data.length; i++) lists[channelOf(i) * slots + slotOf(i)]?.push(i);
  return lists;
}

const padded = (op: Summing): boolean => op.kind === 'conv' && op.pads.some((pad) => pad > 0);

function zeroFraction(zero: Float64Array): number {
  if (zero.every((value) => Math.abs(value) <= 1)) return 0;
  const close = (step: number) => (value: number) =>
    Math.abs(Math.round(value * step) / step - value) <= CLOSE_ENOUGH;
  let fraction = 0;
  while (fraction < MOST_FRACTION && !zero.every(close(2 ** fraction))) fraction++;
  return fraction;
}

/** Convolutions and products with constant matrices, requantised to the grid of `target`. */
export function emitSumming(
  context: Context,
  op: Summing,
  given: Typed,
  target: Target,
  shape: readonly number[],
): Typed {
  const x = padded(op) ? withZero(context, given, zeroFraction(given.zero)) : given;
  const layout = layoutOf(op);
  const { channels, slots } = layout;
  const lists = indicesOf(op, layout);
  const stored = new Float64Array(op.weight.data.length);
  const bias = new Float64Array(channels);
  const low = new Float64Array(channels);
  const high = new Float64Array(channels);
  const grids: number[] = [];
  const note = { finest: -Infinity, coarsest: Infinity, bits: Infinity, worst: 0 };
  for (let channel = 0; channel < channels; channel++) {
    const sums = Array.from({ length: slots }, (_, slot) => {
      const indices = lists[channel * slots + slot] ?? [];
      return { indices, sum: channelSum(op, x, at(target.scale, channel), channel, indices, layout) };
    });
    const fitted = fitTogether(sums.map(({ sum }) => sum));
    if (fitted === null)
      throw new Refusal(
        'UNCERTIFIABLE',
        `${op.name}: no weights of channel ${channel} fit under the bound, however coarse`,
      );
    grids.push(fitted[0]?.k ?? 0);
    for (const [slot, one] of fitted.entries()) {
      const unit = 2 ** -(one.k + x.fraction);
      for (const [j, index] of (sums[slot]?.indices ?? []).entries())
        stored[index] = (one.weights[j] ?? 0) * 2 ** -one.k;
      bias[channel] = one.bias * unit;
      const bottom = (one.negative + one.bias) * unit;
      const top = (one.positive + one.bias) * unit;
      low[channel] = slot === 0 ? bottom : Math.min(low[channel] ?? 0, bottom);
      high[channel] = slot === 0 ? top : Math.max(high[channel] ?? 0, top);
      note.finest = Math.max(note.finest, one.k);
      note.coarsest = Math.min(note.coarsest, one.k);
      const largest = one.weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
      if (largest > 0) note.bits = Math.min(note.bits, Math.log2(largest + 1));
      note.worst = Math.max(note.worst, one.worst);
    }
  }
  context.notes.push({
    node: op.name,
    kind: op.kind,
    macs: multiplyAdds(op, shape),
    grid: [note.finest, note.coarsest],
    grids,
    weightBits: note.bits,
    slackBits: Math.log2(EXACT_BOUND / note.worst),
  });
  const name = writeNode(context, op, x.name, stored, bias);
  return {
    ...clipAndFloor(context, { name, shape, low, high }, target.final ? null : target, op.output),
    shape,
    scale: mapChannels(channels, (c) => at(target.scale, c)),
    zero: new Float64Array(channels),
    fraction: 0,
  };
}

function channelSum(
  op: Summing,
  x: Typed,
  scale: number,
  channel: number,
  indices: readonly number[],
  { inputOf }: Layout,
): Sum {
  const weights = new Float64Array(indices.length);
  let bias = (op.bias[channel] ?? 0) / scale;
  for (const [j, index] of indices.entries()) {
    const input = inputOf(index);
    const weight = ((op.weight.data[index] ?? 0) * (x.scale[input] ?? 1)) / scale;
    weights[j] = weight;
    bias += weight * (x.zero[input] ?? 0);
  }
  const { low, high, fraction } = x;
  return {
    weights,
    bias: bias + ROUNDING_HALF,
    low,
    high,
    inputOf: (j) => inputOf(indices[j] ?? 0),
    fraction,
  };
}

/** Sums that share a bias and hence a grid: the finest one that suits all of them. */
function fitTogether(sums: readonly Sum[]): Fitted[] | null {
  let limit: number | undefined;
  for (;;) {
    const fitted = sums.map((sum) => fit(sum, limit));
    const all = fitted.filter((one) => one !== null);
    if (all.length < sums.length) return null;
    const coarsest = Math.min(...all.map(({ k }) => k));
    if (all.every(({ k }) => k === coarsest)) return all;
    limit = coarsest;
  }
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
  weights: Float64Array,
  bias: Float64Array,
): string {
  const weight = builder.floats(`${op.output}/weight`, op.weight.shape, weights);
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
