import { fit, type Fitted, type Sum } from './fit.ts';
import { layoutOf, type Layout, type Summing } from './layout.ts';
import { outputChannel } from './prepare.ts';
import { Refusal } from './refusal.ts';
import { at, type Typed } from './typed.ts';

const ROUNDING_HALF = 0.5;

/** Weights and biases as they are stored, what each channel may sum up to, and how fine they are. */
export type FittedWeights = {
  weights: Float64Array;
  bias: Float64Array;
  low: Float64Array;
  high: Float64Array;
  /** k of each channel: its weights are multiples of 2^-k. */
  grids: number[];
  /** Bits of each channel's largest weight. */
  bits: number[];
  /** The largest bound of the certificate, below 2^24 or what is given in its place. */
  worst: number;
};

/** The indices of each channel's weights, slot by slot. */
function indicesOf(op: Summing, { channels, slots, slotOf }: Layout): number[][] {
  const lists = Array.from({ length: channels * slots }, (): number[] => []);
  const channelOf = outputChannel(op);
  for (let i = 0; i < op.weight.data.length; i++) lists[channelOf(i) * slots + slotOf(i)]?.push(i);
  return lists;
}

/**
 * Finds for each channel the finest weights that the certificate allows, no finer than 2^-finest. Throws Refusal naming the channel for which
 * there are none. What rounded weights leave out of the inputs' `means`, real numbers by channel, goes into the bias. `bound`: see fit.
 */
export function fitWeights(
  op: Summing,
  x: Typed,
  scale: Float64Array,
  finest?: number,
  means: Float64Array | null = null,
  bound?: number,
): FittedWeights {
  const layout = layoutOf(op);
  const { channels, slots } = layout;
  const lists = indicesOf(op, layout);
  // Sums that share a bias would each want another one.
  const usual =
    slots > 1 ? null : (means?.map((mean, c) => mean / (x.scale[c] ?? 1) - (x.zero[c] ?? 0)) ?? null);
  const result: FittedWeights = {
    weights: new Float64Array(op.weight.data.length),
    bias: new Float64Array(channels),
    low: new Float64Array(channels),
    high: new Float64Array(channels),
    grids: [],
    bits: [],
    worst: 0,
  };
  const { low, high, bias } = result;
  for (let channel = 0; channel < channels; channel++) {
    const sums = Array.from({ length: slots }, (_, slot) => {
      const indices = lists[channel * slots + slot] ?? [];
      return {
        indices,
        sum: { ...channelSum(op, x, at(scale, channel), channel, indices, layout), means: usual },
      };
    });
    const fitted = fitTogether(
      sums.map(({ sum }) => sum),
      finest,
      bound,
    );
    if (fitted === null)
      throw new Refusal(
        'UNCERTIFIABLE',
        `${op.name}: no weights of channel ${channel} fit under the bound, however coarse`,
      );
    result.grids.push(fitted[0]?.k ?? 0);
    let largest = 0;
    for (const [slot, one] of fitted.entries()) {
      const unit = 2 ** -(one.k + x.fraction);
      for (const [j, index] of (sums[slot]?.indices ?? []).entries())
        result.weights[index] = (one.weights[j] ?? 0) * 2 ** -one.k;
      bias[channel] = one.bias * unit;
      const bottom = (one.negative + one.bias) * unit;
      const top = (one.positive + one.bias) * unit;
      low[channel] = slot === 0 ? bottom : Math.min(low[channel] ?? 0, bottom);
      high[channel] = slot === 0 ? top : Math.max(high[channel] ?? 0, top);
      largest = one.weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), largest);
      result.worst = Math.max(result.worst, one.worst);
    }
    result.bits.push(Math.log2(largest + 1));
  }
  return result;
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
function fitTogether(sums: readonly Sum[], finest?: number, bound?: number): Fitted[] | null {
  let limit = finest;
  for (;;) {
    const fitted = sums.map((sum) => fit(sum, limit, bound));
    const all = fitted.filter((one) => one !== null);
    if (all.length < sums.length) return null;
    const coarsest = Math.min(...all.map(({ k }) => k));
    if (all.every(({ k }) => k === coarsest)) return all;
    limit = coarsest;
  }
}
