import type { PeerId } from '../../protocol/ids.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Store } from '../store/store.ts';
import type { Verdict } from './judge.ts';
import { rejected } from './rejected.ts';

/** The answer to a result whose lease is not open any more, or was never there; null when it is open. */
export async function closedVerdict(
  store: Store,
  ledger: Ledger,
  peer: PeerId,
  taskId: Uint8Array,
): Promise<Verdict | null> {
  const row = await store.db
    .selectFrom('tasks')
    .select(['peer', 'state', 'code', 'epoch'])
    .where('task_id', '=', taskId)
    .executeTakeFirst();
  if (row === undefined) return rejected(taskId, 'UNKNOWN_TASK');
  if (row.peer !== peer) return rejected(taskId, 'NOT_YOUR_LEASE');
  switch (row.state) {
    case 'leased':
      return null;
    case 'accepted': {
      const receipt = await ledger.receiptOf(taskId);
      return rejected(taskId, 'ALREADY_JUDGED', undefined, receipt);
    }
    case 'rejected':
      return rejected(
        taskId,
        'ALREADY_JUDGED',
        row.code === null ? undefined : `It was refused: ${row.code}.`,
      );
    case 'expired':
      // A lease outlives the close of its epoch, up to its deadline: short epochs must not cost an honest tab its unit.
      return rejected(taskId, row.epoch < ledger.current.epoch ? 'STALE_EPOCH' : 'DEADLINE_PASSED');
    case 'released':
      return rejected(taskId, 'UNKNOWN_TASK', 'Its lease was handed back.');
  }
}
