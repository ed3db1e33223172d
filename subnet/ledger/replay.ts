import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { epochHash, openEpoch, type SignedEpoch } from '../../protocol/epoch.ts';
import { openReceipt } from '../../protocol/receipt.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Store, Tx } from '../store/store.ts';
import type { Consensus } from '../consensus/consensus.ts';
import { receiptsDigest, settlementDigest, weightsOf } from './digests.ts';
import { settle, type Mechanism } from './settle.ts';

export type ReplayReport = {
  epochs: number;
  receipts: number;
  openReceipts: number;
  issued: bigint;
  accounts: number;
};

type ReplayOptions = {
  /** 32 bytes. */
  subnet: Uint8Array;
  validator: string;
  owner: string;
  validatorAccount: string;
  mechanisms: readonly Mechanism[];
  consensus: Consensus;
};

/**
 * Replays the ledger from its signed receipts and compares every digest, header, settlement line, balance and the total
 * with what is stored. Fails with the first difference. Reads one
 * snapshot, so the node may go on meanwhile.
 */
export function replayLedger(
  store: Store,
  options: ReplayOptions,
): Promise<Outcome<ReplayReport, 'DIFFERENCE'>> {
  return store.db.transaction().execute((db) => replay(db, options));
}

async function replay(db: Tx, options: ReplayOptions): Promise<Outcome<ReplayReport, 'DIFFERENCE'>> {
  const epochs = await db.selectFrom('epochs').selectAll().orderBy('epoch').execute();
  const balances = new Map<string, bigint>();
  let issued = 0n;
  let previous: SignedEpoch | null = null;
  let receiptCount = 0;
  let openReceipts = 0;
  for (const [index, row] of epochs.entries()) {
    const at = `epoch ${row.epoch}`;
    if (row.epoch !== index) return differs(`${at}: expected epoch ${index}`);
    const receipts = await db
      .selectFrom('receipts')
      .selectAll()
      .where('epoch', '=', row.epoch)
      .orderBy('id')
      .execute();
    for (const receipt of receipts) {
      const opened = openReceipt(receipt);
      const task = toHex(receipt.task_id);
      if (!opened.ok) return differs(`${at}, receipt of ${task}: ${opened.message}`);
      const { value } = opened;
      const same =
        value.validator === options.validator &&
        equalBytes(value.subnet, options.subnet) &&
        equalBytes(value.taskId, receipt.task_id) &&
        value.epoch === row.epoch &&
        value.kind === receipt.kind &&
        value.peer === receipt.peer &&
        toHex(value.account) === receipt.account &&
        value.work.toString() === receipt.work;
      if (!same) return differs(`${at}, receipt of ${task}: the row does not say what this validator signed`);
    }
    receiptCount += receipts.length;
    if (row.payload === null || row.signature === null) {
      if (index !== epochs.length - 1) return differs(`${at}: not closed, though a later one is open`);
      openReceipts = receipts.length;
      const summed = await db
        .selectFrom('pending_work')
        .select(['kind', 'account', 'work'])
        .where('epoch', '=', row.epoch)
        .execute();
      if (
        !sameWork(weightsOf(receipts, options.validatorAccount), weightsOf(summed, options.validatorAccount))
      )
        return differs(`${at}: the sums of pending work differ from its receipts`);
      break;
    }
    const signed: SignedEpoch = { payload: row.payload, signature: row.signature };
    const header = openEpoch(signed);
    if (!header.ok) return differs(`${at}: ${header.message}`);
    const { value } = header;
    if (value.validator !== options.validator || !equalBytes(value.subnet, options.subnet))
      return differs(`${at}: the header is not by this validator for this subnet`);
    if (!equalBytes(value.beacon, row.beacon) || !equalBytes(value.auditCommitment, row.audit_commitment))
      return differs(`${at}: beacon or audit commitment differ from the header`);
    const settled = settle({
      issued,
      slots: value.slots,
      owner: options.owner,
      mechanisms: options.mechanisms,
      weights: weightsOf(receipts, options.validatorAccount),
      consensus: options.consensus,
    });
    issued += settled.issued;
    const lines = await db
      .selectFrom('settlements')
      .select(['mechanism', 'account', 'amount'])
      .where('epoch', '=', row.epoch)
      .orderBy('mechanism')
      .orderBy('account')
      .execute();
    const stored = lines
      .map(({ mechanism, account, amount }) => `${mechanism} ${account} ${amount}`)
      .join('\n');
    const replayed = settled.lines
      .map(({ mechanism, account, amount }) => `${mechanism} ${account} ${amount}`)
      .join('\n');
    if (value.epoch !== row.epoch) return differs(`${at}: the header is of epoch ${value.epoch}`);
    if (!equalBytes(value.previous, previous === null ? new Uint8Array(32) : epochHash(previous)))
      return differs(`${at}: the chain is broken`);
    if (value.receiptCount !== receipts.length)
      return differs(`${at}: ${receipts.length} receipts, the header says ${value.receiptCount}`);
    if (!equalBytes(value.receiptsDigest, receiptsDigest(receipts)))
      return differs(`${at}: the receipts differ from the header`);
    if (!equalBytes(value.settlementDigest, settlementDigest(settled.lines)))
      return differs(`${at}: the settlement differs from the header`);
    if (stored !== replayed) return differs(`${at}: the stored settlement differs`);
    if (value.issued !== settled.issued || value.totalIssued !== issued)
      return differs(`${at}: the issue differs`);
    for (const { account, amount } of settled.lines)
      balances.set(account, (balances.get(account) ?? 0n) + amount);
    previous = signed;
  }
  const stored = await db.selectFrom('balances').selectAll().execute();
  for (const { account, amount } of stored) {
    if (balances.get(account) !== BigInt(amount))
      return differs(`balance of ${account}: ${amount} stored, ${balances.get(account) ?? 0n} replayed`);
  }
  if (stored.length !== balances.size)
    return differs(`${stored.length} balances stored, ${balances.size} replayed`);
  const total = [...balances.values()].reduce((sum, amount) => sum + amount, 0n);
  if (total !== issued) return differs(`balances sum to ${total}, issued ${issued}`);
  const unreceipted = await db
    .selectFrom('tasks')
    .leftJoin('receipts', 'receipts.task_id', 'tasks.task_id')
    .select('tasks.task_id')
    .where('tasks.state', '=', 'accepted')
    .where('receipts.id', 'is', null)
    .execute();
  if (unreceipted[0] !== undefined)
    return differs(`task ${toHex(unreceipted[0].task_id)} was accepted and has no receipt`);
  return ok({
    epochs: epochs.length - 1,
    receipts: receiptCount,
    openReceipts,
    issued,
    accounts: balances.size,
  });
}

const sameWork = (a: ReturnType<typeof weightsOf>, b: ReturnType<typeof weightsOf>): boolean => {
  const flat = (weights: ReturnType<typeof weightsOf>): string =>
    [...weights]
      .flatMap(([kind, [only]]) =>
        [...(only?.work ?? [])].map(([account, work]) => `${kind} ${account} ${work}`),
      )
      .sort()
      .join('\n');
  return flat(a) === flat(b);
};

const differs = (message: string) => fail('DIFFERENCE', message);
