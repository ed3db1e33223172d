import { LATENCY_ONE } from './latency.ts';
import { QUALITY_ONE } from './quality.ts';

/** What one unit of work weighs for a tab of quality 1 that always answers in time. */
export const SCORE_ONE = BigInt(QUALITY_ONE) * BigInt(LATENCY_ONE);

/**
 * Score of a peer's verified work in an epoch: work × q × latency factor, 0 while it is punished. Whole numbers in parts of
 * SCORE_ONE, so that nothing is rounded and a replay gets the same.
 */
export const scoreOf = (work: bigint, quality: number, latency: number, punished: boolean): bigint =>
  punished ? 0n : work * BigInt(quality) * BigInt(latency);
