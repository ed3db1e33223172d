import { EXACT_BOUND } from '../format.ts';

/** Finer weights than this gain nothing: they are far below what one rounding of the result loses. */
const FINEST = 30;
/** Weights this coarse would say nothing about the model any more. */
const COARSEST = -24;

/** What one channel sums: real weights, by input, and the inputs' ranges, all in units of q of the result and of the inputs. */
export type Sum = {
  weights: Float64Array;
  bias: number;
  /** Of the inputs' channels, which `inputOf` gives for each weight. */
  low: Float64Array;
  high: Float64Array;
  inputOf: (weight: number) => number;
  /** Inputs are multiples of 2^-fraction. */
  fraction: number;
  /** What the inputs are on average, by their channels, where it is known. */
  means?: Float64Array | null;
};

/** Weights as multiples of 2^-k; the bias as multiples of 2^-(k + fraction); P and N as in the certificate, on the latter grid. */
export type Fitted = {
  k: number;
  weights: Float64Array;
  bias: number;
  positive: number;
  negative: number;
  worst: number;
};

/**
 * The certificate of one channel at grid 2^-k: every partial sum is a sum over a subset of the products and the bias, so it
 * lies within [N + min(b, 0), P + max(b, 0)], whatever the order. Sums in float64 here only grow with each term, so a result
 * below the bound is itself exact.
 */
function atGrid(sum: Sum, k: number, round: (value: number) => number): Fitted {
  const step = 2 ** k;
  const unit = 2 ** sum.fraction;
  const weights = new Float64Array(sum.weights.length);
  let positive = 0;
  let negative = 0;
  // What rounded weights leave out on average.
  let missed = 0;
  for (let i = 0; i < weights.length; i++) {
    const input = sum.inputOf(i);
    const low = Math.min(0, sum.low[input] ?? 0) * unit;
    const high = Math.max(0, sum.high[input] ?? 0) * unit;
    // What is always 0 needs no weight, and a large one would not fit f32.
    const weight = low === 0 && high === 0 ? 0 : round((sum.weights[i] ?? 0) * step);
    weights[i] = weight;
    missed += ((sum.weights[i] ?? 0) - weight / step) * (sum.means?.[input] ?? 0);
    positive += Math.max(weight * low, weight * high);
    negative += Math.min(weight * low, weight * high);
  }
  const bias = round((sum.bias + missed) * step * unit);
  const worst = Math.max(positive + Math.max(bias, 0), Math.max(-bias, 0) - negative);
  return { k, weights, bias, positive, negative, worst };
}

/** Did the bound leave nothing of the weights, though they are not what is far below a rounding of the result? */
const vanished = (sum: Sum, { k, weights, bias }: Fitted, limit: number): boolean =>
  k < limit &&
  Math.abs(bias) < EXACT_BOUND / 2 &&
  weights.every((weight) => weight === 0) &&
  sum.weights.some((weight, i) => {
    const input = sum.inputOf(i);
    return weight !== 0 && (sum.low[input] !== 0 || sum.high[input] !== 0);
  });

/** What is beyond the certificate may be more than f32 holds. */
const roundToFloat = (value: number): number => Math.fround(Math.round(value));

/**
 * The finest grid on which a channel passes the certificate, or null where there is none. `limit` bounds k from above. Sums
 * below another `bound` than the certificate's are for controls, which must not be exact.
 */
export function fit(sum: Sum, limit = FINEST, bound = EXACT_BOUND): Fitted | null {
  const round = bound > EXACT_BOUND ? roundToFloat : Math.round;
  // Start from the bound of the real weights, a step finer than it allows: rounding may help. Doubling and halving are exact.
  let real = 0;
  const unit = 2 ** sum.fraction;
  for (let i = 0; i < sum.weights.length; i++) {
    const input = sum.inputOf(i);
    const reach = Math.max(-(sum.low[input] ?? 0), sum.high[input] ?? 0, 0);
    real += Math.abs(sum.weights[i] ?? 0) * reach * unit;
  }
  real += Math.abs(sum.bias) * unit;
  if (!Number.isFinite(real)) return null;
  let k = limit;
  // `real` is above the certificate's own bound by less than a factor 2.
  for (let most = real * 2 ** limit; most >= 4 * bound && k > COARSEST; most /= 2) k--;
  for (; k >= COARSEST; k--) {
    const fitted = atGrid(sum, k, round);
    if (fitted.worst < bound) return vanished(sum, fitted, limit) ? null : fitted;
  }
  return null;
}
