import type { Kysely } from 'kysely';
import type { Holdings } from '../../protocol/merkle.ts';
import type { Breather } from '../store/breather.ts';
import { inPieces } from '../store/many.ts';
import type { Schema } from '../store/schema.ts';
import type { Tx } from '../store/store.ts';
import { ownsAnything, type HoldingsByAccount } from './holdings.ts';

/** Rows read at a time: a millisecond or two. */
const PAGE = 1_000;

/** What accounts after `after` (null: from the first) owned when the last epoch closed, in ascending order; none at the end. */
export async function holdingsPage(db: Kysely<Schema>, after: string | null): Promise<Holdings[]> {
  let query = db.selectFrom('holdings').selectAll().orderBy('account').limit(PAGE);
  if (after !== null) query = query.where('account', '>', after);
  const rows = await query.execute();
  return rows.map(({ account, spendable, escrow, on_hold }) => ({
    account,
    spendable: BigInt(spendable),
    escrow: BigInt(escrow),
    onHold: BigInt(on_hold),
  }));
}

/** Brings the rows up to what a block leaves. Most accounts own the same as before, and theirs are left alone. */
export async function writeHoldings(tx: Tx, holdings: HoldingsByAccount, breathe: Breather): Promise<void> {
  const missing = new Set<string>();
  const changed: string[] = [];
  for (const [account, parts] of holdings) if (ownsAnything(parts)) missing.add(account);
  for (let after: string | null = null; ;) {
    const page = await holdingsPage(tx, after);
    for (const row of page) {
      const now = missing.delete(row.account) ? holdings.get(row.account) : undefined;
      if (now === undefined) await tx.deleteFrom('holdings').where('account', '=', row.account).execute();
      else if (!isSame(row, now)) changed.push(row.account);
      await breathe();
    }
    after = page.at(-1)?.account ?? null;
    if (after === null) break;
  }
  for (const accounts of inPieces([...changed, ...missing])) {
    await putAll(tx, accounts, holdings);
    await breathe();
  }
}

type Parts = Omit<Holdings, 'account'>;

const isSame = (a: Parts, b: Parts): boolean =>
  a.spendable === b.spendable && a.escrow === b.escrow && a.onHold === b.onHold;

async function putAll(tx: Tx, accounts: readonly string[], holdings: HoldingsByAccount): Promise<void> {
  const rows = accounts.flatMap((account) => {
    const now = holdings.get(account);
    if (now === undefined) return [];
    const { spendable, escrow, onHold } = now;
    return [
      {
        account,
        spendable: spendable.toString(),
        escrow: escrow.toString(),
        on_hold: onHold.toString(),
      },
    ];
  });
  await tx
    .insertInto('holdings')
    .values(rows)
    .onConflict((oc) =>
      oc.column('account').doUpdateSet((eb) => ({
        spendable: eb.ref('excluded.spendable'),
        escrow: eb.ref('excluded.escrow'),
        on_hold: eb.ref('excluded.on_hold'),
      })),
    )
    .execute();
}
