import type { Tx } from '../store/store.ts';
import type { AcceptedWork } from './ledger.ts';

export type PendingWork = { kind: string; account: string; work: string };

/** Adds accepted work to its account's sum, so that neither a balance nor a close has to read every receipt. */
export async function addPending(tx: Tx, epoch: number, accepted: AcceptedWork): Promise<void> {
  const { kind, account, work } = accepted;
  const before = await tx
    .selectFrom('pending_work')
    .select(['units', 'work'])
    .where('epoch', '=', epoch)
    .where('kind', '=', kind)
    .where('account', '=', account)
    .executeTakeFirst();
  const units = (before?.units ?? 0) + 1;
  const sum = (BigInt(before?.work ?? '0') + work).toString();
  await tx
    .insertInto('pending_work')
    .values({ epoch, kind, account, units, work: sum })
    .onConflict((oc) => oc.columns(['epoch', 'kind', 'account']).doUpdateSet({ units, work: sum }))
    .execute();
}

/** Everybody's verified work of the epoch. */
export const pendingWork = (tx: Tx, epoch: number): Promise<PendingWork[]> =>
  tx.selectFrom('pending_work').select(['kind', 'account', 'work']).where('epoch', '=', epoch).execute();

/** The epoch is settled. */
export async function clearPending(tx: Tx, epoch: number): Promise<void> {
  await tx.deleteFrom('pending_work').where('epoch', '=', epoch).execute();
}
