import type { Tx } from '../store/store.ts';
import { readReceipt } from '../../protocol/receipt.ts';
import { auditKey, drawLateAudit } from './audit-coin.ts';
import type { TrustPolicy } from './policy.ts';

/**
 * At the close of `epoch`: units that will vest by age at the next close, because their tab did not go on, are put to a second
 * coin of the same probability. Leaving after a forgery does not help.
 */
export async function markLateAudits(
  tx: Tx,
  options: { auditSecret: Uint8Array; policy: Pick<TrustPolicy, 'vestingEpochs' | 'vestingTasks'> },
  epoch: number,
): Promise<void> {
  const { vestingEpochs, vestingTasks } = options.policy;
  const lapsing = epoch + 1 - vestingEpochs;
  if (lapsing < 0) return;
  const rows = await tx
    .selectFrom('receipts')
    .innerJoin('results', 'results.task_id', 'receipts.task_id')
    .innerJoin('tasks', 'tasks.task_id', 'receipts.task_id')
    .innerJoin('standings', (join) =>
      join.onRef('standings.peer', '=', 'receipts.peer').onRef('standings.kind', '=', 'receipts.kind'),
    )
    .select(['receipts.task_id', 'receipts.payload', 'kind_index', 'accepted', 'escrow_from'])
    .where('receipts.epoch', '=', lapsing)
    .where('tasks.audited', '=', 0)
    .where('tasks.recheck', '=', 0)
    .where('tasks.revoked', 'is', null)
    .execute();
  const key = auditKey(options.auditSecret, lapsing);
  for (const { task_id, payload, kind_index, accepted, escrow_from } of rows) {
    if (kind_index <= Math.max(escrow_from, accepted - vestingTasks)) continue;
    const receipt = readReceipt(payload);
    if (!receipt.ok) throw new Error(`ledger: a receipt cannot be read: ${receipt.message}`);
    const { digest, audit } = receipt.value;
    if (!drawLateAudit(key, task_id, digest, audit.threshold)) continue;
    await tx.updateTable('tasks').set({ recheck: 1 }).where('task_id', '=', task_id).execute();
  }
}
