import type { Kysely } from 'kysely';
import { hexToBytes, toHex } from '../../protocol/bytes.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { MAX_OPEN_HOLDS, MAX_OPERATIONS_PER_PAGE } from '../../protocol/limits.ts';
import type { SignedOperation } from '../../protocol/operation.ts';
import { funds } from '../ledger/queries.ts';
import type { Schema } from '../store/schema.ts';
import { nextNonce, spendingEpoch } from './operation-rows.ts';

type Db = Kysely<Schema>;

/** A hold as people see it. Names and accounts are hex, amounts base units. */
export type HoldView = {
  hold: string;
  /** Whose credits they are. */
  account: string;
  payee: string;
  amount: bigint;
  openedEpoch: number;
  expiresEpoch: number;
  /** How it ended, and what of it was paid; null while it is open. */
  ended: { epoch: number; paid: bigint } | null;
};

/** What an account has, and what its next operation has to say. Amounts are base units. */
export type AccountView = {
  account: AccountId;
  spendable: bigint;
  /** Has still to vest: not to be spent yet. */
  escrow: bigint;
  onHold: bigint;
  nextNonce: number;
  /** The open epoch, and whether operations wait for the one before it to be settled. */
  epoch: number;
  settling: boolean;
  /** Its open holds, and those of others that it may pay: at most MAX_OPEN_HOLDS of each, first to expire first. */
  holds: HoldView[];
  payable: HoldView[];
};

const holdColumns = [
  'hold',
  'account',
  'payee',
  'amount',
  'opened_epoch as openedEpoch',
  'expires_epoch as expiresEpoch',
  'ended_epoch as endedEpoch',
  'paid',
] as const;

const openHolds = async (db: Db, side: 'account' | 'payee', account: string): Promise<HoldView[]> => {
  const rows = await db
    .selectFrom('holds')
    .select(holdColumns)
    .where(side, '=', account)
    .where('ended_epoch', 'is', null)
    .orderBy('expires_epoch')
    .orderBy('hold')
    .limit(MAX_OPEN_HOLDS)
    .execute();
  return rows.map(viewOf);
};

const viewOf = ({
  hold,
  amount,
  endedEpoch,
  paid,
  ...row
}: Omit<HoldView, 'hold' | 'amount' | 'ended'> & {
  hold: Uint8Array;
  amount: string;
  endedEpoch: number | null;
  paid: string | null;
}): HoldView => ({
  ...row,
  hold: toHex(hold),
  amount: BigInt(amount),
  ended: endedEpoch === null ? null : { epoch: endedEpoch, paid: BigInt(paid ?? '0') },
});

/** A hold by its name (hex), open or not; null where there never was one. */
export async function holdView(db: Db, hold: string): Promise<HoldView | null> {
  const row = await db
    .selectFrom('holds')
    .select(holdColumns)
    .where('hold', '=', hexToBytes(hold))
    .executeTakeFirst();
  return row === undefined ? null : viewOf(row);
}

/** Call inside a snapshot, so that its parts belong together. */
export async function accountView(db: Db, account: AccountId): Promise<AccountView> {
  const { epoch, settling } = await spendingEpoch(db);
  const { spendable, held } = await funds(db, epoch, account);
  const holds = await openHolds(db, 'account', account);
  return {
    account,
    spendable,
    escrow: held,
    // An account has no more than MAX_OPEN_HOLDS: these are all.
    onHold: holds.reduce((sum, { amount }) => sum + amount, 0n),
    nextNonce: await nextNonce(db, account),
    epoch,
    settling,
    holds,
    payable: await openHolds(db, 'payee', account),
  };
}

/** An operation as the log has it; `id` says where. */
export type LoggedOperation = SignedOperation & { id: number; epoch: number };

/** A page of the operations that concern an account (its own, and those that paid it or name it), oldest first, after `after`. */
export async function accountOperations(
  db: Db,
  account: AccountId,
  after: number,
  limit: number,
): Promise<{ operations: LoggedOperation[]; next: number; more: boolean }> {
  const size = Math.min(limit, MAX_OPERATIONS_PER_PAGE);
  const rows = await db
    .selectFrom('operation_parties')
    .innerJoin('operations', 'operations.id', 'operation_parties.operation')
    .select(['operations.id', 'operations.epoch', 'operations.payload', 'operations.signature'])
    .where('operation_parties.account', '=', account)
    .where('operation_parties.operation', '>', after)
    .orderBy('operation_parties.operation')
    .limit(size + 1)
    .execute();
  const operations = rows.slice(0, size);
  return { operations, next: operations.at(-1)?.id ?? after, more: rows.length > size };
}
