/**
 * Exact Poisson tails and, through them, quantiles of the Gamma law with a whole shape: how many shares a range should
 * hold, and how wide the interval of a measured rate is.
 */

/** Where Stirling's series is good to 1e-15. */
const STIRLING_FROM = 32;

/** ln(n!) for a whole `n` from zero on. Stirling's series (Abramowitz & Stegun 6.1.41) beyond small `n`. */
function logFactorial(n: number): number {
  if (n < STIRLING_FROM) {
    let product = 1;
    for (let i = 2; i <= n; i++) product *= i;
    return Math.log(product);
  }
  const x = n + 1;
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}

const logPmf = (k: number, mean: number): number => k * Math.log(mean) - mean - logFactorial(k);

/** P(X ≤ k), summed from `k` down: every term is smaller than the one before when k ≤ mean. */
function sumDown(k: number, mean: number): number {
  let term = Math.exp(logPmf(k, mean));
  let sum = 0;
  for (let i = k; i >= 0 && term > sum * Number.EPSILON; i--) {
    sum += term;
    term *= i / mean;
  }
  return sum;
}

/** P(X ≥ k), summed from `k` up: every term is smaller than the one before when k > mean. */
function sumUp(k: number, mean: number): number {
  let term = Math.exp(logPmf(k, mean));
  let sum = 0;
  for (let i = k + 1; term > sum * Number.EPSILON; i++) {
    sum += term;
    term *= mean / i;
  }
  return sum;
}

function assertMean(mean: number): void {
  if (!(mean > 0 && Number.isFinite(mean))) throw new RangeError('mean: expected a number above zero');
}

/** P(X ≤ k) for X ~ Poisson(mean). Zero below k = 0. Throws RangeError when `mean` is not above zero. */
export function poissonAtMost(k: number, mean: number): number {
  assertMean(mean);
  if (k < 0) return 0;
  return k <= mean ? Math.min(1, sumDown(k, mean)) : Math.max(0, 1 - sumUp(k + 1, mean));
}

/** P(X ≥ k) for X ~ Poisson(mean). */
export function poissonAtLeast(k: number, mean: number): number {
  assertMean(mean);
  if (k <= 0) return 1;
  return k > mean ? Math.min(1, sumUp(k, mean)) : Math.max(0, 1 - sumDown(k - 1, mean));
}

/** Two-sided exact p-value of a Poisson count: twice the smaller tail, at most 1. */
export const poissonTwoSided = (k: number, mean: number): number =>
  Math.min(1, 2 * Math.min(poissonAtMost(k, mean), poissonAtLeast(k, mean)));

/** Halvings of the bracket: 2^-60 of its width is beyond what a double resolves. */
const BISECTIONS = 60;

/**
 * The x with P(G ≤ x) = p for G ~ Gamma(shape, 1), a whole shape: the time of the `shape`-th event of a Poisson process, so
 * P(G ≤ x) = P(Poisson(x) ≥ shape). Bisection between bounds that hold any usual p.
 */
export function gammaQuantile(shape: number, p: number): number {
  if (!(Number.isInteger(shape) && shape >= 1))
    throw new RangeError('shape: expected a whole number from 1 on');
  if (!(p > 1e-9 && p < 1 - 1e-9)) throw new RangeError('p: expected a probability inside of (0, 1)');
  // Seven standard deviations and the heavier tail of small shapes.
  const spread = 7 * Math.sqrt(shape) + 30;
  let low = Math.max(0, shape - spread);
  let high = shape + spread;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (poissonAtLeast(shape, middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
