import type { Store } from './store.ts';

/**
 * What is kept, and for how long. Receipts, epochs, settlements and balances: for good, since the ledger is replayed from
 * them. Verdicts with their evidence: RESULT_EPOCHS epochs (a day and a half of production epochs). Finished jobs with
 * their outputs: JOB_DAYS days.
 */
export const RESULT_EPOCHS = 30;
export const JOB_DAYS = 7;

const DAY_MS = 24 * 3600_000;

/** Deletes what has outlived its retention; `epoch` is the open one. */
export async function prune(store: Store, epoch: number, nowMs: number = Date.now()): Promise<void> {
  await store.write(async (tx) => {
    await tx
      .deleteFrom('tasks')
      .where('epoch', '<', epoch - RESULT_EPOCHS)
      .where('state', '!=', 'leased')
      .execute();
    await tx
      .deleteFrom('jobs')
      .where('state', 'in', ['done', 'failed'])
      .where('created_at_ms', '<', nowMs - JOB_DAYS * DAY_MS)
      .execute();
  });
}
