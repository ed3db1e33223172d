import type { Tx } from '../store/store.ts';
import type { AcceptedWork } from './ledger.ts';

/** Adds accepted work to its peer's sum, so that neither a balance nor a close has to read every receipt. */
export async function addPending(tx: Tx, epoch: number, accepted: AcceptedWork): Promise<void> {
  const { kind, account, peer, work } = accepted;
  const before = await tx
    .selectFrom('epoch_work')
    .select(['units', 'work'])
    .where('epoch', '=', epoch)
    .where('kind', '=', kind)
    .where('account', '=', account)
    .where('peer', '=', peer)
    .executeTakeFirst();
  const units = (before?.units ?? 0) + 1;
  const sum = (BigInt(before?.work ?? '0') + work).toString();
  await tx
    .insertInto('epoch_work')
    .values({ epoch, kind, account, peer, units, work: sum })
    .onConflict((oc) => oc.columns(['epoch', 'kind', 'account', 'peer']).doUpdateSet({ units, work: sum }))
    .execute();
}

/** The epoch is settled. */
export async function clearPending(tx: Tx, epoch: number): Promise<void> {
  await tx.deleteFrom('epoch_work').where('epoch', '=', epoch).execute();
}
