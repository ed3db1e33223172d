import type { Kysely } from 'kysely';
import type { AccountId } from '../../protocol/ids.ts';
import { MAX_RECEIPTS_PER_PAGE } from '../../protocol/limits.ts';
import type { SignedReceipt } from '../../protocol/receipt.ts';
import type { Schema } from '../store/schema.ts';

type Db = Kysely<Schema>;

/** An account's base units: those it may spend, those that have still to vest, those that were taken from it. */
export type Funds = { spendable: bigint; held: bigint; forfeited: bigint };

/** What is held of a peer that was proven to have failed counts as forfeited from that moment; its epoch's close books it. */
export async function funds(db: Db, openEpoch: number, account: AccountId): Promise<Funds> {
  const balance = await db
    .selectFrom('balances')
    .select('amount')
    .where('account', '=', account)
    .executeTakeFirst();
  const lots = await db
    .selectFrom('lots')
    .select(['peer', 'amount', 'ended_as'])
    .where('account', '=', account)
    .where((eb) => eb.or([eb('ended_as', 'is', null), eb('ended_as', '=', 'forfeit')]))
    .execute();
  const punished = await db
    .selectFrom('penalties')
    .select('peer')
    .where('epoch', '=', openEpoch)
    .where('peer', 'in', db.selectFrom('lots').select('peer').where('account', '=', account))
    .execute();
  const lost = new Set(punished.map(({ peer }) => peer));
  let [held, forfeited] = [0n, 0n];
  for (const { peer, amount, ended_as } of lots) {
    if (ended_as === 'forfeit' || lost.has(peer)) forfeited += BigInt(amount);
    else held += BigInt(amount);
  }
  return { spendable: BigInt(balance?.amount ?? '0'), held, forfeited };
}

/** Every account with its spendable and its held base units, as decimal text; largest first. */
export async function accountFunds(db: Db): Promise<{ account: string; amount: string; held: string }[]> {
  const balances = await db.selectFrom('balances').selectAll().execute();
  const lots = await db
    .selectFrom('lots')
    .select(['account', 'amount'])
    .where('ended_epoch', 'is', null)
    .execute();
  const held = new Map<string, bigint>();
  for (const { account, amount } of lots) held.set(account, (held.get(account) ?? 0n) + BigInt(amount));
  const spendable = new Map(balances.map(({ account, amount }) => [account, BigInt(amount)]));
  return [...new Set([...spendable.keys(), ...held.keys()])]
    .map((account) => ({ account, amount: spendable.get(account) ?? 0n, held: held.get(account) ?? 0n }))
    .sort((a, b) => (b.amount + b.held > a.amount + a.held ? 1 : -1))
    .map(({ account, amount, held: rest }) => ({
      account,
      amount: amount.toString(),
      held: rest.toString(),
    }));
}

/** Verified work of an account in the open epoch, by kind. */
export async function pending(
  db: Db,
  openEpoch: number,
  account: AccountId,
): Promise<{ kind: string; units: number; work: bigint }[]> {
  const rows = await db
    .selectFrom('epoch_work')
    .select(['kind', 'units', 'work'])
    .where('epoch', '=', openEpoch)
    .where('account', '=', account)
    .orderBy('kind')
    .execute();
  const byKind = Map.groupBy(rows, ({ kind }) => kind);
  return [...byKind].map(([kind, peers]) => ({
    kind,
    units: peers.reduce((sum, { units }) => sum + units, 0),
    work: peers.reduce((sum, { work }) => sum + BigInt(work), 0n),
  }));
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

/** The receipt of a task, where it has one. */
export async function receiptOf(db: Db, taskId: Uint8Array): Promise<SignedReceipt | null> {
  const row = await db
    .selectFrom('receipts')
    .select(['payload', 'signature'])
    .where('task_id', '=', taskId)
    .executeTakeFirst();
  return row ?? null;
}
