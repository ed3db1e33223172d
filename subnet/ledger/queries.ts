import type { Kysely } from 'kysely';
import type { SignedEpoch } from '../../protocol/epoch.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { MAX_EPOCHS_PER_PAGE, MAX_RECEIPTS_PER_PAGE } from '../../protocol/limits.ts';
import type { SignedReceipt } from '../../protocol/receipt.ts';
import type { Schema } from '../store/schema.ts';

type Db = Kysely<Schema>;

/** Base units that closed epochs paid to an account. */
export async function balance(db: Db, account: AccountId): Promise<bigint> {
  const row = await db
    .selectFrom('balances')
    .select('amount')
    .where('account', '=', account)
    .executeTakeFirst();
  return BigInt(row?.amount ?? '0');
}

/** Verified work of an account in the open epoch, by kind. */
export async function pending(
  db: Db,
  openEpoch: number,
  account: AccountId,
): Promise<{ kind: string; units: number; work: bigint }[]> {
  const rows = await db
    .selectFrom('pending_work')
    .select(['kind', 'units', 'work'])
    .where('epoch', '=', openEpoch)
    .where('account', '=', account)
    .orderBy('kind')
    .execute();
  return rows.map(({ kind, units, work }) => ({ kind, units, work: BigInt(work) }));
}

/** A page of an account's receipts after row `after`, oldest first. */
export async function receipts(
  db: Db,
  account: AccountId,
  after: number,
  limit: number,
): Promise<{ receipts: SignedReceipt[]; next: number; more: boolean }> {
  const size = Math.min(limit, MAX_RECEIPTS_PER_PAGE);
  const rows = await db
    .selectFrom('receipts')
    .select(['id', 'payload', 'signature'])
    .where('account', '=', account)
    .where('id', '>', after)
    .orderBy('id')
    .limit(size + 1)
    .execute();
  const page = rows.slice(0, size);
  return {
    receipts: page.map(({ payload, signature }) => ({ payload, signature })),
    next: page.at(-1)?.id ?? after,
    more: rows.length > size,
  };
}

/** Signed headers of closed epochs from `from` on. */
export async function epochs(db: Db, from: number, limit: number): Promise<SignedEpoch[]> {
  const rows = await db
    .selectFrom('epochs')
    .select(['payload', 'signature'])
    .where('epoch', '>=', from)
    .where('payload', 'is not', null)
    .orderBy('epoch')
    .limit(Math.min(limit, MAX_EPOCHS_PER_PAGE))
    .execute();
  return rows.flatMap(({ payload, signature }) =>
    payload === null || signature === null ? [] : [{ payload, signature }],
  );
}

/** The receipt of a task, where it has one. */
export async function receiptOf(db: Db, taskId: Uint8Array): Promise<SignedReceipt | null> {
  const row = await db
    .selectFrom('receipts')
    .select(['payload', 'signature'])
    .where('task_id', '=', taskId)
    .executeTakeFirst();
  return row ?? null;
}
