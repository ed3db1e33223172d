import { Random } from '../../../subnet/models/random.ts';
import type { Interval } from './intervals.ts';

/** What one trial brought, and what an honest tab got in the same time (or for the same compute). */
export type Pair = { gained: number; honest: number };
export type Ratio = { mean: number } & Interval;

/** Resamples; the 0.05 % quantile then still rests on ten of them. */
const RESAMPLES = 20_000;

/** Σ gained / Σ honest; 0 where both are nothing. */
export function ratioOf(pairs: readonly Pair[]): number {
  const gained = pairs.reduce((sum, pair) => sum + pair.gained, 0);
  const honest = pairs.reduce((sum, pair) => sum + pair.honest, 0);
  if (honest === 0) return gained === 0 ? 0 : Number.POSITIVE_INFINITY;
  return gained / honest;
}

/**
 * The ratio of sums over trials with its percentile bootstrap interval (B. Efron, 1979). Trials are resampled whole, since a
 * long one that ends badly and a short one that ends well belong to the same gambler. A function of the seed.
 */
export function rewardRatio(pairs: readonly Pair[], seed: unknown, confidence = 0.95): Ratio {
  const mean = ratioOf(pairs);
  if (pairs.length === 0) return { mean, low: 0, high: Number.POSITIVE_INFINITY };
  const random = Random.from({ domain: 'gridtab/bootstrap/1', seed });
  const ratios = Array.from({ length: RESAMPLES }, () => ratioOf(pairs.map(() => random.pick(pairs))));
  ratios.sort((a, b) => a - b);
  const tail = (1 - confidence) / 2;
  const at = (q: number): number =>
    ratios[Math.min(RESAMPLES - 1, Math.max(0, Math.round(q * (RESAMPLES - 1))))] ?? mean;
  return { mean, low: at(tail), high: at(1 - tail) };
}
