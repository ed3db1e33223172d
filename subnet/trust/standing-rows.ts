import type { Kysely } from 'kysely';
import type { Schema } from '../store/schema.ts';
import type { Tx } from '../store/store.ts';
import type { TrustPolicy } from './policy.ts';

/** A peer's record in one kind, as it stands in `epoch`. */
export type Standing = {
  accepted: number;
  escrowFrom: number;
  /** Work of the accepted units that have not vested: E. */
  escrow: bigint;
  audits: string;
  suspectLeft: number;
};

export type Key = { peer: string; kind: string; epoch: number };

const NONE: Standing = { accepted: 0, escrowFrom: 0, escrow: 0n, audits: '', suspectLeft: 0 };

/** Reads a record; escrow that has aged out since it was written is not in it any more. */
export async function readStanding(db: Kysely<Schema>, key: Key, policy: TrustPolicy): Promise<Standing> {
  const row = await db
    .selectFrom('standings')
    .selectAll()
    .where('peer', '=', key.peer)
    .where('kind', '=', key.kind)
    .executeTakeFirst();
  if (row === undefined) return NONE;
  const standing = {
    accepted: row.accepted,
    escrowFrom: row.escrow_from,
    escrow: BigInt(row.escrow),
    audits: row.audits,
    suspectLeft: row.suspect_left,
  };
  // Of a later epoch where one has closed since the caller looked: what aged out with it is lost to no cheat any more, and must
  // not make the rate of its next unit lower.
  if (row.escrow_epoch >= key.epoch) return standing;
  return { ...standing, escrow: await sumEscrow(db, key, standing, policy) };
}

export async function writeStanding(
  tx: Tx,
  { peer, account, kind, epoch }: Key & { account: string },
  standing: Standing,
): Promise<void> {
  const values = { account, ...columnsOf(standing, epoch) };
  await tx
    .insertInto('standings')
    .values({ peer, kind, ...values })
    .onConflict((oc) => oc.columns(['peer', 'kind']).doUpdateSet(values))
    .execute();
}

/** Writes a record in the place of `before`; false, with nothing written, where the row is another or there is none. */
export async function replaceStanding(
  tx: Tx,
  { peer, account, kind, epoch }: Key & { account: string },
  before: Standing,
  after: Standing,
): Promise<boolean> {
  const old = columnsOf(before, epoch);
  const { numUpdatedRows } = await tx
    .updateTable('standings')
    .set({ account, ...columnsOf(after, epoch) })
    .where('peer', '=', peer)
    .where('kind', '=', kind)
    .where('accepted', '=', old.accepted)
    .where('escrow_from', '=', old.escrow_from)
    .where('escrow', '=', old.escrow)
    .where('escrow_epoch', '=', old.escrow_epoch)
    .where('audits', '=', old.audits)
    .where('suspect_left', '=', old.suspect_left)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

const columnsOf = ({ accepted, escrowFrom, escrow, audits, suspectLeft }: Standing, epoch: number) => ({
  accepted,
  escrow_from: escrowFrom,
  escrow: escrow.toString(),
  escrow_epoch: epoch,
  audits,
  suspect_left: suspectLeft,
});

/** The first unit that counts as unvested when `accepted` are there. */
const firstUnvested = (
  { accepted, escrowFrom }: Pick<Standing, 'accepted' | 'escrowFrom'>,
  policy: TrustPolicy,
) => Math.max(escrowFrom, accepted - policy.vestingTasks) + 1;

async function sumEscrow(
  db: Kysely<Schema>,
  { peer, kind, epoch }: Key,
  standing: Standing,
  policy: TrustPolicy,
): Promise<bigint> {
  const rows = await db
    .selectFrom('receipts')
    .select('work')
    .where('peer', '=', peer)
    .where('kind', '=', kind)
    .where('kind_index', '>=', firstUnvested(standing, policy))
    .where('epoch', '>', epoch - policy.vestingEpochs)
    .execute();
  return rows.reduce((sum, { work }) => sum + BigInt(work), 0n);
}

/**
 * The record after one more accepted unit: its work comes into escrow and the unit that is now `vestingTasks` behind it leaves,
 * together with what was kept for auditing it.
 */
export async function addAccepted(
  tx: Tx,
  key: Key,
  before: Standing,
  unit: { work: bigint; punished: boolean },
  policy: TrustPolicy,
): Promise<Standing> {
  const accepted = before.accepted + 1;
  // Punished work earns nothing, so there is nothing to lose in it.
  if (unit.punished) return { ...before, accepted, escrowFrom: accepted, escrow: 0n };
  const vested = accepted - policy.vestingTasks;
  let escrow = before.escrow + unit.work;
  if (vested > before.escrowFrom) {
    const row = await tx
      .selectFrom('receipts')
      .select(['task_id', 'work', 'epoch'])
      .where('peer', '=', key.peer)
      .where('kind', '=', key.kind)
      .where('kind_index', '=', vested)
      .executeTakeFirst();
    if (row !== undefined) {
      if (row.epoch > key.epoch - policy.vestingEpochs) escrow -= BigInt(row.work);
      await deleteResult(tx, row.task_id);
    }
  }
  return { ...before, accepted, escrow };
}

/** Not while its audit is still to be done: whoever works on fast enough would have it vest before. */
async function deleteResult(tx: Tx, taskId: Uint8Array): Promise<void> {
  const due = await tx
    .selectFrom('tasks')
    .select('recheck')
    .where('task_id', '=', taskId)
    .where('recheck', '>', 0)
    .executeTakeFirst();
  if (due === undefined) await tx.deleteFrom('results').where('task_id', '=', taskId).execute();
}
