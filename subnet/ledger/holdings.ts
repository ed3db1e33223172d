import type { Kysely } from 'kysely';
import { holdingsLeaf, sumTree, type Holdings, type SumNode } from '../../protocol/merkle.ts';
import type { Schema } from '../store/schema.ts';
import { nativeSha256 } from './digests.ts';

/** What every account owns, by account; nobody is in it twice, nobody with nothing at all. */
export type HoldingsByAccount = Map<string, { spendable: bigint; escrow: bigint; onHold: bigint }>;

export function addTo(
  holdings: HoldingsByAccount,
  account: string,
  part: 'spendable' | 'escrow' | 'onHold',
  amount: bigint,
): void {
  const before = holdings.get(account) ?? { spendable: 0n, escrow: 0n, onHold: 0n };
  holdings.set(account, { ...before, [part]: before[part] + amount });
}

/** What is on accounts and on hold now, escrow left out. */
export async function readSpendable(db: Kysely<Schema>): Promise<HoldingsByAccount> {
  const holdings: HoldingsByAccount = new Map();
  const balances = await db.selectFrom('balances').selectAll().execute();
  for (const { account, amount } of balances) addTo(holdings, account, 'spendable', BigInt(amount));
  const holds = await db
    .selectFrom('holds')
    .select(['account', 'amount'])
    .where('ended_epoch', 'is', null)
    .execute();
  for (const { account, amount } of holds) addTo(holdings, account, 'onHold', BigInt(amount));
  return holdings;
}

export const ownsAnything = ({ spendable, escrow, onHold }: Omit<Holdings, 'account'>): boolean =>
  spendable + escrow + onHold > 0n;

/** In ascending order of account, as the tree of balances has them. */
export const inAccountOrder = (holdings: HoldingsByAccount): Holdings[] =>
  [...holdings]
    .filter(([, parts]) => ownsAnything(parts))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([account, parts]) => ({ account, ...parts }));

export const holdingsTree = (holdings: readonly Holdings[]): SumNode[][] =>
  sumTree(
    holdings.map((each) => holdingsLeaf(each, nativeSha256)),
    nativeSha256,
  );
