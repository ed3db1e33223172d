import { MAX_EVIDENCE_CHARS } from '../../protocol/limits.ts';
import type { LedgerFromNode } from '../../protocol/messages.ts';
import { REFUSAL_CODES, refusal } from '../../protocol/refusal.ts';
import type { Store } from '../store/store.ts';

/** The verdict on a task and what stands behind it, for the tab whose task it was; anybody else learns nothing. */
export async function evidenceOf(store: Store, peer: string, taskId: Uint8Array): Promise<LedgerFromNode> {
  const row = await store.db
    .selectFrom('tasks')
    .select(['state', 'code', 'evidence', 'revoked'])
    .where('task_id', '=', taskId)
    .where('peer', '=', peer)
    .where('state', 'in', ['accepted', 'rejected'])
    .executeTakeFirst();
  if (row === undefined)
    return {
      type: 'refused',
      ...refusal('NOT_FOUND', 'No verdict of this tab is kept for the task.'),
      taskId,
    };
  const state = row.state === 'rejected' ? 'rejected' : row.revoked === null ? 'accepted' : 'revoked';
  const code = REFUSAL_CODES.find((known) => known === (row.revoked ?? row.code));
  return {
    type: 'evidence',
    taskId,
    state,
    ...(code === undefined ? {} : { code }),
    evidence: (row.evidence ?? '{}').slice(0, MAX_EVIDENCE_CHARS),
  };
}
