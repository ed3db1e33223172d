import { createHash } from 'node:crypto';
import { concatBytes, sha256 } from '../../protocol/bytes.ts';
import { epochHash, signEpoch, type EpochHeader } from '../../protocol/epoch.ts';
import { breather, type Breather } from '../store/breather.ts';
import type { Tx } from '../store/store.ts';
import { auditKey } from '../trust/audit-coin.ts';
import { markLateAudits } from '../trust/late-audits.ts';
import { scoreEpoch, type Score } from '../trust/score-epoch.ts';
import { penaltiesDigest, penaltiesOf, settlementDigest, weightsDigest, weightsOf } from './digests.ts';
import { insertEpoch, openEpochRow, type OpenEpoch } from './epoch-rows.ts';
import type { LedgerOptions } from './ledger.ts';
import { lotsOf } from './lots.ts';
import { clearPending } from './pending.ts';
import { creditedTo, inOrder, settle, type SettlementLine } from './settle.ts';
import { endLots, holdLots } from './vest.ts';

export type ClosedEpoch = {
  epoch: number;
  issued: bigint;
  lines: SettlementLine[];
  receipts: number;
  next: OpenEpoch;
};

/**
 * Settles the open epoch and opens the next. Everything in one transaction: an epoch is closed with its settlement,
 * balances, header and successor, or not at all. `reveal` is 32 random bytes for the next beacon.
 */
export async function closeEpoch(tx: Tx, options: LedgerOptions, reveal: Uint8Array): Promise<ClosedEpoch> {
  const breathe = breather();
  const open = await openEpochRow(tx, options.auditSecret);
  const receipts = await digestReceipts(tx, open.epoch, breathe);
  const previous = await tx
    .selectFrom('epochs')
    .select(['payload', 'signature'])
    .where('epoch', '=', open.epoch - 1)
    .executeTakeFirst();
  const totalBefore = BigInt((await meta(tx, 'issued')) ?? '0');
  const scores = await scoreEpoch(tx, open.epoch);
  await breathe();
  await insertScores(tx, open.epoch, scores, breathe);
  const settled = settle({
    issued: totalBefore,
    slots: open.slots,
    owner: options.owner,
    mechanisms: options.mechanisms,
    weights: weightsOf(scores, options.validatorAccount),
    consensus: options.consensus,
  });
  const { issued } = settled;
  // Before this epoch's own lots are made: they cannot be due, nor can a punished peer have any.
  const ended = await endLots(tx, open.epoch, options.policy, breathe);
  await holdLots(tx, lotsOf(open.epoch, settled.lines, scores), breathe);
  const lines = inOrder([...settled.lines, ...ended]);
  await book(tx, open.epoch, lines, breathe);
  const totalIssued = totalBefore + issued;
  await tx
    .insertInto('meta')
    .values({ key: 'issued', value: totalIssued.toString() })
    .onConflict((oc) => oc.column('key').doUpdateSet({ value: totalIssued.toString() }))
    .execute();
  const header = signEpoch(
    {
      subnet: options.subnet,
      validator: options.validator,
      epoch: open.epoch,
      previous:
        previous?.payload == null || previous.signature === null
          ? new Uint8Array(32)
          : epochHash({ payload: previous.payload, signature: previous.signature }),
      beacon: open.beacon,
      auditCommitment: open.commitment,
      auditReveal: revealAt(open.epoch, options),
      receiptCount: receipts.count,
      receiptsDigest: receipts.digest,
      weightsDigest: weightsDigest(scores),
      settlementDigest: settlementDigest(lines),
      penaltiesDigest: penaltiesDigest(await penaltiesOf(tx, open.epoch)),
      slots: open.slots,
      issued,
      totalIssued,
      closedAtMs: options.now(),
    },
    options.validatorSeed,
  );
  await tx
    .updateTable('epochs')
    .set({ payload: header.payload, signature: header.signature })
    .where('epoch', '=', open.epoch)
    .execute();
  // The validator's own beacon: bound to everything before, and to a value it did not know while the epoch ran.
  const beacon = sha256(concatBytes(epochHash(header), reveal));
  await clearPending(tx, open.epoch);
  await markLateAudits(tx, options, open.epoch, breathe);
  const next = await insertEpoch(tx, open.epoch + 1, beacon, options);
  options.faults.pass('epoch.writing');
  return {
    epoch: open.epoch,
    issued,
    lines,
    receipts: receipts.count,
    next,
  };
}

/** The audit key of the epoch whose work has all vested or lapsed by now. */
function revealAt(epoch: number, { auditSecret, policy }: LedgerOptions): EpochHeader['auditReveal'] {
  const over = epoch - policy.vestingEpochs;
  return over < 0 ? null : { epoch: over, key: auditKey(auditSecret, over) };
}

async function insertScores(
  tx: Tx,
  epoch: number,
  scores: readonly Score[],
  breathe: Breather,
): Promise<void> {
  for (const score of scores) {
    await tx
      .insertInto('weights')
      .values({ epoch, ...score, weight: score.weight.toString() })
      .execute();
    await breathe();
  }
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
    if (account === null) continue;
    const balance = await tx
      .selectFrom('balances')
      .select('amount')
      .where('account', '=', account)
      .executeTakeFirst();
    const amount = (BigInt(balance?.amount ?? '0') + line.amount).toString();
    await tx
      .insertInto('balances')
      .values({ account, amount })
      .onConflict((oc) => oc.column('account').doUpdateSet({ amount }))
      .execute();
  }
}

async function meta(tx: Tx, key: string): Promise<string | undefined> {
  return (await tx.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst())?.value;
}

/** Receipt hashes read at a time: a millisecond's worth. */
const PAGE = 1_000;

/** As `receiptsDigest` (digests.ts), page by page, since an epoch may hold hundreds of thousands. */
async function digestReceipts(
  tx: Tx,
  epoch: number,
  breathe: Breather,
): Promise<{ count: number; digest: Uint8Array }> {
  const hash = createHash('sha256');
  let count = 0;
  let after: Uint8Array = new Uint8Array(0);
  for (;;) {
    const rows = await tx
      .selectFrom('receipts')
      .select('hash')
      .where('epoch', '=', epoch)
      .where('hash', '>', after)
      .orderBy('hash')
      .limit(PAGE)
      .execute();
    for (const row of rows) hash.update(row.hash);
    count += rows.length;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) break;
    after = last.hash;
    await breathe();
  }
  return { count, digest: new Uint8Array(hash.digest()) };
}
