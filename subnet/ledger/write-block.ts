import { epochHash, type Countersignature, type SignedEpoch } from '../../protocol/epoch.ts';
import type { Breather } from '../store/breather.ts';
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
  for (const lot of block.lots) {
    const failed = block.failed.has(lot.peer);
    const { lastIndex, amount, ...key } = lot;
    await tx
      .insertInto('lots')
      .values({
        ...key,
        amount: amount.toString(),
        last_index: lastIndex,
        ended_epoch: failed ? epoch : null,
        ended_as: failed ? 'forfeit' : null,
      })
      .execute();
    await breathe();
  }
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
  for (const line of lines) {
    await breathe();
    await tx
      .insertInto('settlements')
      .values({ epoch, ...line, amount: line.amount.toString() })
      .execute();
    const account = creditedTo(line);
    if (account !== null) await credit(tx, account, line.amount);
  }
}

/** Adds to what an account may spend, or takes from it. Throws where less than nothing would be left. Call inside a write. */
export async function credit(tx: Tx, account: string, by: bigint): Promise<void> {
  const balance = await tx
    .selectFrom('balances')
    .select('amount')
    .where('account', '=', account)
    .executeTakeFirst();
  const after = BigInt(balance?.amount ?? '0') + by;
  if (after < 0n) throw new Error(`ledger: ${account} would have ${after} base units`);
  const amount = after.toString();
  await tx
    .insertInto('balances')
    .values({ account, amount })
    .onConflict((oc) => oc.column('account').doUpdateSet({ amount }))
    .execute();
}
