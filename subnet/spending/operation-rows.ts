import type { Kysely } from 'kysely';
import { hexToBytes, toHex } from '../../protocol/bytes.ts';
import { operationHash, type Operation, type SignedOperation } from '../../protocol/operation.ts';
import { emptySpending, type Effects, type SpendingState } from '../../protocol/spending.ts';
import { credit } from '../ledger/write-block.ts';
import type { Schema } from '../store/schema.ts';
import type { Tx } from '../store/store.ts';

type Db = Kysely<Schema>;

/** The open epoch, and whether the one before it is sealed and has no header yet. */
export async function spendingEpoch(db: Db): Promise<{ epoch: number; settling: boolean }> {
  const [open, before] = await db
    .selectFrom('epochs')
    .select(['epoch', 'sealed_at_ms', 'settler'])
    .orderBy('epoch', 'desc')
    .limit(2)
    .execute();
  if (open === undefined || open.sealed_at_ms !== null) throw new Error('spending: no epoch is open');
  // Epochs are closed one after the other: where any is waiting for its header, the latest sealed one is.
  return { epoch: open.epoch, settling: before?.settler === null };
}

/** The number that an account's next operation has. */
export async function nextNonce(db: Db, account: string): Promise<number> {
  const last = await db
    .selectFrom('operations')
    .select('nonce')
    .where('account', '=', account)
    .orderBy('nonce', 'desc')
    .limit(1)
    .executeTakeFirst();
  return (last?.nonce ?? 0) + 1;
}

/** The epoch in which an operation was done, or null where it was not. `hash` is 32 bytes. */
export async function doneIn(db: Db, hash: Uint8Array): Promise<number | null> {
  const row = await db.selectFrom('operations').select('epoch').where('hash', '=', hash).executeTakeFirst();
  return row?.epoch ?? null;
}

/** The part of the state that decides about an operation: what its account has, and the hold that it pays. */
export async function readTouched(db: Db, operation: Operation): Promise<SpendingState> {
  const state = emptySpending();
  const account = toHex(operation.account);
  state.nonces.set(account, (await nextNonce(db, account)) - 1);
  const { action } = operation;
  if (action.type === 'pay') {
    const row = await db
      .selectFrom('holds')
      .select(['account', 'payee', 'amount', 'expires_epoch'])
      .where('hold', '=', action.hold)
      .where('ended_epoch', 'is', null)
      .executeTakeFirst();
    if (row !== undefined) {
      const { expires_epoch: expiresEpoch, amount, ...parties } = row;
      state.holds.set(toHex(action.hold), { ...parties, amount: BigInt(amount), expiresEpoch });
    }
    return state;
  }
  const balance = await db
    .selectFrom('balances')
    .select('amount')
    .where('account', '=', account)
    .executeTakeFirst();
  state.holdings.set(account, { spendable: BigInt(balance?.amount ?? '0'), escrow: 0n, onHold: 0n });
  if (action.type === 'hold') {
    const { open } = await db
      .selectFrom('holds')
      .select((eb) => eb.fn.countAll<number | bigint | string>().as('open'))
      .where('account', '=', account)
      .where('ended_epoch', 'is', null)
      .executeTakeFirstOrThrow();
    state.openHolds.set(account, Number(open));
  }
  return state;
}

/** Writes an operation down with what it does: log, balances, holds. Call inside a write. */
export async function writeOperation(
  tx: Tx,
  epoch: number,
  signed: SignedOperation,
  effects: Effects,
): Promise<void> {
  const { account, nonce, moves, opened, ended } = effects;
  const { id } = await tx
    .insertInto('operations')
    .values({ epoch, account, nonce, hash: operationHash(signed), ...signed })
    .returning('id')
    .executeTakeFirstOrThrow();
  // What is on hold is the sum of the open holds: only what may be spent has a row of its own.
  for (const { account: owner, part, by } of moves) if (part === 'spendable') await credit(tx, owner, by);
  if (opened !== null) {
    const { hold, amount, expiresEpoch, ...parties } = opened;
    await tx
      .insertInto('holds')
      .values({
        ...parties,
        hold: hexToBytes(hold),
        amount: amount.toString(),
        opened_epoch: epoch,
        expires_epoch: expiresEpoch,
        ended_epoch: null,
        paid: null,
      })
      .execute();
  }
  if (ended !== null)
    await tx
      .updateTable('holds')
      .set({ ended_epoch: epoch, paid: ended.paid.toString() })
      .where('hold', '=', hexToBytes(ended.hold))
      .execute();
  const parties = new Set([account, ...moves.map((move) => move.account)]);
  if (opened !== null) parties.add(opened.payee);
  await tx
    .insertInto('operation_parties')
    .values([...parties].map((party) => ({ account: party, operation: id })))
    .execute();
}
