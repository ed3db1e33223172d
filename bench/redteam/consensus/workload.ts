import { Random } from '../../../subnet/models/random.ts';
import type { Scores } from '../../../subnet/consensus/rounds/reference.ts';
import { accountOf } from './cast.ts';

/** The only mechanism of the games: mechanisms do not touch each other. */
export const MECHANISM = 'infer';
export const ACCOUNTS = 12;
/** In each epoch an account's rate changes by up to this factor, either way, and it rests with this chance. */
const CHANGE = 1.6;
const REST = 0.08;

/** Verified work by account, epoch by epoch. The accounts are those of `workerOf`. */
export type Workload = readonly Scores[];
export const workerOf = (seed: string, i: number): string => accountOf(seed, `worker ${i}`);

/**
 * Accounts whose work changes from epoch to epoch, so that yesterday's weights are not today's: a random walk within a factor
 * of four either way, with rests. A function of the seed.
 */
export function workloadOf(seed: string, epochs: number): Workload {
  const random = Random.from({ domain: 'gridtab/redteam/workload/1', seed });
  const rates = Array.from({ length: ACCOUNTS }, () => random.between(-0.5, 0.5));
  const step = Math.log(CHANGE);
  return Array.from({ length: epochs }, () => {
    const scores = new Map<string, bigint>();
    for (const [i, rate] of rates.entries()) {
      rates[i] = Math.min(Math.log(4), Math.max(-Math.log(4), rate + random.between(-step, step)));
      const work = BigInt(Math.round(1e6 * Math.exp(rates[i] ?? 0)));
      if (random.unit() >= REST) scores.set(workerOf(seed, i), work);
    }
    return scores;
  });
}
