import type { Breather } from '../store/breather.ts';
import { insertMany } from '../store/many.ts';
import type { Tx } from '../store/store.ts';
import type { Score } from '../trust/score-epoch.ts';
import { insertEpoch } from './epoch-rows.ts';
import type { VestingPolicy } from './lots.ts';
import { clearPending } from './pending.ts';
import { endLots } from './vest.ts';

/**
 * Seals the open epoch: from here on its receipts, scores, proven failures and ended lots are what they are, and the next epoch,
 * with this beacon, takes what comes.
 */
export async function sealEpoch(
  tx: Tx,
  epoch: number,
  scores: readonly Score[],
  nextBeacon: Uint8Array,
  policy: VestingPolicy,
  nowMs: number,
  breathe: Breather,
): Promise<void> {
  await writeScores(tx, epoch, scores, breathe);
  await clearPending(tx, epoch);
  await endLots(tx, epoch, policy, breathe);
  await tx.updateTable('epochs').set({ sealed_at_ms: nowMs }).where('epoch', '=', epoch).execute();
  await insertEpoch(tx, epoch + 1, nextBeacon, nowMs);
}

export async function writeScores(
  tx: Tx,
  epoch: number,
  scores: readonly Score[],
  breathe: Breather,
): Promise<void> {
  const rows = scores.map(({ mechanism, account, peer, quality, latency, weight, lastIndex }) => {
    const factors = { quality, latency, weight: weight.toString(), last_index: lastIndex };
    return { epoch, mechanism, account, peer, ...factors };
  });
  await insertMany(tx, 'weights', rows, breathe);
}
