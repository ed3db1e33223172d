import { epochHash, type Countersignature, type SignedEpoch } from '../../protocol/epoch.ts';
import type { Breather } from '../store/breather.ts';
import { inPieces, insertMany } from '../store/many.ts';
import type { Tx } from '../store/store.ts';
import type { Block, EpochRows } from './block.ts';
import { writeHoldings } from './holdings-rows.ts';
import { creditedTo, type SettlementLine } from './settle.ts';

/** Closes an epoch: writes down what its block moves, and the header with those who signed it. */
export async function writeBlock(
  tx: Tx,
  block: Block,
  rows: EpochRows,
  signed: SignedEpoch,
  signatures: readonly Countersignature[],
  breathe: Breather,
): Promise<void> {
  const { epoch, validator, totalIssued } = block.header;
  for (const { hold, account, amount } of rows.expiredHolds) {
    await tx.updateTable('holds').set({ ended_epoch: epoch, paid: '0' }).where('hold', '=', hold).execute();
    await credit(tx, account, amount);
  }
  const lots = block.lots.map(({ lastIndex, amount, ...key }) => {
    const failed = block.failed.has(key.peer);
    const ended = { ended_epoch: failed ? epoch : null, ended_as: failed ? ('forfeit' as const) : null };
    return { ...key, amount: amount.toString(), last_index: lastIndex, ...ended };
  });
  await insertMany(tx, 'lots', lots, breathe);
  await book(tx, epoch, block.lines, breathe);
  await writeHoldings(tx, block.holdings, breathe);
  await setMeta(tx, 'issued', totalIssued.toString());
  await setMeta(tx, 'settled_through', String(block.settledThrough));
  for (const [mechanism, payload] of block.states) {
    await tx
      .insertInto('consensus_states')
      .values({ mechanism, epoch, payload })
      .onConflict((oc) => oc.column('mechanism').doUpdateSet({ epoch, payload }))
      .execute();
  }
  for (const { validator: subject, standing, reason } of block.fates) {
    if (standing === 'counted') continue;
    await tx
      .insertInto('reports')
      .values({ epoch, validator, code: standing, subject, detail: reason })
      .onConflict((oc) => oc.doNothing())
      .execute();
  }
  const hash = epochHash(signed);
  for (const { validator: signer, signature } of signatures) {
    await tx
      .insertInto('header_signatures')
      .values({ epoch, hash, validator: signer, signature })
      .onConflict((oc) => oc.doNothing())
      .execute();
  }
  await tx
    .updateTable('epochs')
    .set({ settler: validator, payload: signed.payload, signature: signed.signature })
    .where('epoch', '=', epoch)
    .execute();
}

async function setMeta(tx: Tx, key: string, value: string): Promise<void> {
  await tx
    .insertInto('meta')
    .values({ key, value })
    .onConflict((oc) => oc.column('key').doUpdateSet({ value }))
    .execute();
}

/** Writes lines down and adds them to balances. */
async function book(
  tx: Tx,
  epoch: number,
  lines: readonly SettlementLine[],
  breathe: Breather,
): Promise<void> {
  const rows = lines.map((line) => ({ epoch, ...line, amount: line.amount.toString() }));
  await insertMany(tx, 'settlements', rows, breathe);
  const credits = new Map<string, bigint>();
  for (const line of lines) {
    const account = creditedTo(line);
    if (account !== null) credits.set(account, (credits.get(account) ?? 0n) + line.amount);
  }
  for (const piece of inPieces([...credits])) {
    await creditAll(tx, new Map(piece));
    await breathe();
  }
}

/** Adds to what an account may spend, or takes from it. Throws where less than nothing would be left. Call inside a write. */
export const credit = (tx: Tx, account: string, by: bigint): Promise<void> =>
  creditAll(tx, new Map([[account, by]]));

async function creditAll(tx: Tx, credits: ReadonlyMap<string, bigint>): Promise<void> {
  const balances = await tx
    .selectFrom('balances')
    .select(['account', 'amount'])
    .where('account', 'in', [...credits.keys()])
    .execute();
  const before = new Map(balances.map(({ account, amount }) => [account, BigInt(amount)]));
  const after = [...credits].map(([account, by]) => {
    const amount = (before.get(account) ?? 0n) + by;
    if (amount < 0n) throw new Error(`ledger: ${account} would have ${amount} base units`);
    return { account, amount: amount.toString() };
  });
  await tx
    .insertInto('balances')
    .values(after)
    .onConflict((oc) => oc.column('account').doUpdateSet((eb) => ({ amount: eb.ref('excluded.amount') })))
    .execute();
}
