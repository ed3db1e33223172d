import { betaQuantile } from '../../../subnet/trust/beta.ts';

/** Both ends belong to it. */
export type Interval = { low: number; high: number };

/**
 * Exact interval for a proportion (C. J. Clopper and E. S. Pearson, 1934): covers at least `confidence`, whatever the true
 * proportion. Throws RangeError unless 0 ≤ successes ≤ trials.
 */
export function clopperPearson(successes: number, trials: number, confidence = 0.95): Interval {
  if (!(successes >= 0 && successes <= trials)) throw new RangeError('clopperPearson: successes of trials');
  if (trials === 0) return { low: 0, high: 1 };
  const tail = (1 - confidence) / 2;
  return {
    low: successes === 0 ? 0 : betaQuantile(tail, successes, trials - successes + 1),
    high: successes === trials ? 1 : betaQuantile(1 - tail, successes + 1, trials - successes),
  };
}

/**
 * One-sided upper bound of a proportion of which no case was seen in `trials`: 1 − (1 − confidence)^(1/trials); about
 * 3/trials at 95 % (the rule of three).
 */
export const upperBoundOfNone = (trials: number, confidence = 0.95): number =>
  trials === 0 ? 1 : -Math.expm1(Math.log(1 - confidence) / trials);

/**
 * The confidence that each of `count` intervals needs, so that all of them hold together with `family` (C. E. Bonferroni:
 * the chances of error add up at most).
 */
export const bonferroni = (count: number, family = 0.95): number => 1 - (1 - family) / Math.max(1, count);

/** The middle value, or the mean of the two middle ones. Throws RangeError on an empty list. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  if (low === undefined || high === undefined) throw new RangeError('median: no samples');
  return (low + high) / 2;
}

/**
 * Interval for the median of any distribution, from order statistics: the count of samples below it is Binomial(n, ½). Of
 * few samples even their whole range covers less than asked; that range is given then.
 */
export function medianInterval(samples: readonly number[], confidence = 0.95): Interval {
  const sorted = [...samples].sort((a, b) => a - b);
  const n = sorted.length;
  const tail = (1 - confidence) / 2;
  let rank = 0;
  let below = 0.5 ** n;
  for (let term = below; below <= tail && rank < (n - 1) / 2;) {
    rank += 1;
    term *= (n - rank + 1) / rank;
    below += term;
  }
  const at = Math.max(0, rank - 1);
  const [low, high] = [sorted[at], sorted[n - 1 - at]];
  if (low === undefined || high === undefined) throw new RangeError('medianInterval: no samples');
  return { low, high };
}
