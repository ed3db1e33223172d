import { sql } from 'kysely';
import type { Tx } from '../store/store.ts';
import { isDue, isOverdue, type Lot, type VestingPolicy } from './lots.ts';
import type { Breather } from '../store/breather.ts';
import { inPieces } from '../store/many.ts';

type HeldLot = Lot & { accepted: number };

/**
 * Ends lots at the seal of `epoch`, to be paid out by its block: those of peers that were proven to have failed in it are forfeited, those that are due are
 * released, unless an audit of their peer's work in that epoch is still to be done (isOverdue: for so long).
 */
export async function endLots(
  tx: Tx,
  epoch: number,
  policy: VestingPolicy,
  breathe: Breather,
): Promise<void> {
  const punished = await punishedIn(tx, epoch);
  const waiting = await waitingForAudit(tx);
  const [forfeited, due]: [HeldLot[], HeldLot[]] = [[], []];
  for await (const lots of heldLots(tx)) {
    for (const lot of lots) {
      if (punished.has(lot.peer)) forfeited.push(lot);
      else if (
        isDue(lot, { epoch, accepted: lot.accepted }, policy) &&
        (!waiting.has(`${lot.peer} ${lot.mechanism} ${lot.epoch}`) || isOverdue(lot, epoch, policy))
      )
        due.push(lot);
    }
    await breathe();
  }
  await end(tx, forfeited, epoch, 'forfeit', breathe);
  await end(tx, due, epoch, 'release', breathe);
}

/** Everything that is held, one epoch's lots after the other: all of them are tens of thousands. */
async function* heldLots(tx: Tx): AsyncGenerator<HeldLot[]> {
  for (let from = 0; ;) {
    const { next } = await tx
      .selectFrom('lots')
      .select((eb) => eb.fn.min('epoch').as('next'))
      .where('ended_epoch', 'is', null)
      .where('epoch', '>=', from)
      .executeTakeFirstOrThrow();
    if (next === null) return;
    yield await heldLotsOf(tx, next);
    from = next + 1;
  }
}

async function heldLotsOf(tx: Tx, epoch: number): Promise<HeldLot[]> {
  const rows = await tx
    .selectFrom('lots')
    .leftJoin('standings', (join) =>
      join.onRef('standings.peer', '=', 'lots.peer').onRef('standings.kind', '=', 'lots.mechanism'),
    )
    .select(['lots.epoch', 'mechanism', 'lots.account', 'lots.peer', 'amount', 'last_index', 'accepted'])
    .where('ended_epoch', 'is', null)
    .where('lots.epoch', '=', epoch)
    .execute();
  return rows.map(({ amount, last_index, accepted, ...lot }) => ({
    ...lot,
    amount: BigInt(amount),
    lastIndex: last_index,
    accepted: accepted ?? 0,
  }));
}

async function punishedIn(tx: Tx, epoch: number): Promise<Set<string>> {
  const rows = await tx.selectFrom('penalties').select('peer').where('epoch', '=', epoch).execute();
  return new Set(rows.map(({ peer }) => peer));
}

/** Peer, kind and epoch of receipts that are still to be audited. */
async function waitingForAudit(tx: Tx): Promise<Set<string>> {
  const rows = await tx
    .selectFrom('tasks')
    .innerJoin('receipts', 'receipts.task_id', 'tasks.task_id')
    .select(['receipts.peer', 'receipts.kind', 'receipts.epoch'])
    .distinct()
    .where('tasks.recheck', '>', 0)
    .execute();
  return new Set(rows.map(({ peer, kind, epoch }) => `${peer} ${kind} ${epoch}`));
}

async function end(
  tx: Tx,
  lots: readonly HeldLot[],
  epoch: number,
  how: 'release' | 'forfeit',
  breathe: Breather,
): Promise<void> {
  for (const piece of inPieces(lots)) {
    const keys = piece.map(
      ({ epoch: made, mechanism, account, peer }) =>
        sql`(cast(${made} as bigint), ${mechanism}, ${account}, ${peer})`,
    );
    await tx
      .updateTable('lots')
      .set({ ended_epoch: epoch, ended_as: how })
      .where(sql<boolean>`(epoch, mechanism, account, peer) in (values ${sql.join(keys)})`)
      .execute();
    await breathe();
  }
}
