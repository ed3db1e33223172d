import type { Breather } from '../store/breather.ts';
import type { Tx } from '../store/store.ts';
import { readReceipt } from '../../protocol/receipt.ts';
import { auditKey, drawLateAudit } from './audit-coin.ts';
import type { TrustPolicy } from './policy.ts';

/** Receipts looked at in one piece. */
const PAGE = 200;

/**
 * At the close of `epoch`: units that will vest by age at the next close, because their tab did not go on, are put to a second
 * coin of the same probability. Leaving after a forgery does not help.
 */
export async function markLateAudits(
  tx: Tx,
  options: {
    validator: string;
    auditSecret: Uint8Array;
    policy: Pick<TrustPolicy, 'vestingEpochs' | 'vestingTasks'>;
  },
  epoch: number,
  breathe: Breather,
): Promise<void> {
  const lapsing = epoch + 1 - options.policy.vestingEpochs;
  if (lapsing < 0) return;
  const key = auditKey(options.auditSecret, lapsing);
  for (let after: Uint8Array | null = new Uint8Array(0); after !== null; await breathe()) {
    const page: Lapsing[] = await lapsingAfter(tx, options.validator, lapsing, after);
    for (const unit of page) {
      const { task_id, payload, kind_index, accepted, escrow_from } = unit;
      if (kind_index <= Math.max(escrow_from, accepted - options.policy.vestingTasks)) continue;
      if (unit.audited !== 0 || unit.recheck !== 0 || unit.revoked !== null) continue;
      const receipt = readReceipt(payload);
      if (!receipt.ok) throw new Error(`ledger: a receipt cannot be read: ${receipt.message}`);
      const { digest, audit } = receipt.value;
      if (!drawLateAudit(key, task_id, digest, audit.threshold)) continue;
      await tx.updateTable('tasks').set({ recheck: 1 }).where('task_id', '=', task_id).execute();
    }
    after = page.length < PAGE ? null : (page.at(-1)?.hash ?? null);
  }
}

type Lapsing = {
  task_id: Uint8Array;
  hash: Uint8Array;
  payload: Uint8Array;
  kind_index: number;
  accepted: number;
  escrow_from: number;
  audited: number;
  recheck: number;
  revoked: string | null;
};

/** A page of an epoch's receipts, whether their results were kept or not: a digest can be enough for an audit. */
function lapsingAfter(tx: Tx, validator: string, epoch: number, after: Uint8Array): Promise<Lapsing[]> {
  return tx
    .selectFrom('receipts')
    .innerJoin('tasks', 'tasks.task_id', 'receipts.task_id')
    .innerJoin('standings', (join) =>
      join.onRef('standings.peer', '=', 'receipts.peer').onRef('standings.kind', '=', 'receipts.kind'),
    )
    .select(['receipts.task_id', 'hash', 'receipts.payload', 'kind_index', 'accepted', 'escrow_from'])
    .select(['audited', 'recheck', 'revoked'])
    .where('receipts.validator', '=', validator)
    .where('receipts.epoch', '=', epoch)
    .where('hash', '>', after)
    .orderBy('hash')
    .limit(PAGE)
    .execute();
}
