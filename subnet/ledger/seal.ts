import { sha256, concatBytes } from '../../protocol/bytes.ts';
import type { Breather } from '../store/breather.ts';
import type { Tx } from '../store/store.ts';
import { scoreEpoch } from '../trust/score-epoch.ts';
import type { LedgerPolicy } from './policy.ts';
import { insertEpoch } from './epoch-rows.ts';
import { clearPending } from './pending.ts';
import { endLots } from './vest.ts';

/**
 * Seals the open epoch: from here on its receipts, scores, proven failures and ended lots are what they are, and the next epoch
 * takes what comes. `reveal` is 32 bytes that nobody knew while the epoch ran. Gives the next epoch's beacon.
 */
export async function sealEpoch(
  tx: Tx,
  open: { epoch: number; beacon: Uint8Array },
  policy: LedgerPolicy,
  reveal: Uint8Array,
  nowMs: number,
  breathe: Breather,
): Promise<Uint8Array> {
  const { epoch } = open;
  for (const { mechanism, account, peer, quality, latency, weight, lastIndex } of await scoreEpoch(
    tx,
    epoch,
  )) {
    const factors = { quality, latency, weight: weight.toString(), last_index: lastIndex };
    await tx
      .insertInto('weights')
      .values({ epoch, mechanism, account, peer, ...factors })
      .execute();
    await breathe();
  }
  await clearPending(tx, epoch);
  await endLots(tx, epoch, policy, breathe);
  await tx.updateTable('epochs').set({ sealed_at_ms: nowMs }).where('epoch', '=', epoch).execute();
  const beacon = sha256(concatBytes(open.beacon, reveal));
  await insertEpoch(tx, epoch + 1, beacon, nowMs);
  return beacon;
}
