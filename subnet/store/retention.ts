import type { Store } from './store.ts';

/**
 * What is kept, and for how long. Receipts, epochs, settlements and balances: for good, since the ledger is replayed from
 * them. Verdicts with their evidence: RESULT_EPOCHS epochs (a day and a half of production epochs). Finished jobs with
 * their outputs: JOB_DAYS days.
 */
export const RESULT_EPOCHS = 30;
export const JOB_DAYS = 7;

const DAY_MS = 24 * 3600_000;

/** Rows deleted in one transaction, so that nobody waits long for the writer. */
const SLICE = 500;

/** Deletes what has outlived its retention; `epoch` is the open one. */
export async function prune(store: Store, epoch: number, nowMs: number = Date.now()): Promise<void> {
  for (let deleted = SLICE; deleted === SLICE;) {
    deleted = await store.write(async (tx) => {
      const old = tx
        .selectFrom('tasks')
        .select('task_id')
        .where('epoch', '<', epoch - RESULT_EPOCHS)
        .where('state', '!=', 'leased')
        // Its lot waits for the audit.
        .where('recheck', '=', 0)
        // What a penalty stands on.
        .where('task_id', 'not in', tx.selectFrom('penalties').select('task_id'))
        .limit(SLICE);
      const { numDeletedRows } = await tx.deleteFrom('tasks').where('task_id', 'in', old).executeTakeFirst();
      return Number(numDeletedRows);
    });
  }
  await store.write(async (tx) => {
    await tx
      .deleteFrom('results')
      .where('epoch', '<', epoch - RESULT_EPOCHS)
      .where('task_id', 'not in', tx.selectFrom('tasks').select('task_id').where('recheck', '>', 0))
      .execute();
    await tx
      .deleteFrom('jobs')
      .where('state', 'in', ['done', 'failed'])
      .where('created_at_ms', '<', nowMs - JOB_DAYS * DAY_MS)
      .execute();
  });
}
