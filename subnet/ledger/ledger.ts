import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { hexToBytes, sha256, toHex } from '../../protocol/bytes.ts';
import { hashCbor } from '../../protocol/cbor.ts';
import { epochHash, signEpoch, type SignedEpoch } from '../../protocol/epoch.ts';
import type { AccountId, PeerId, Work } from '../../protocol/ids.ts';
import { MAX_EPOCHS_PER_PAGE, MAX_RECEIPTS_PER_PAGE } from '../../protocol/limits.ts';
import { receiptHash, signReceipt, type SignedReceipt } from '../../protocol/receipt.ts';
import { concatBytes } from '../../protocol/bytes.ts';
import type { Consensus, ValidatorWeights } from '../consensus/consensus.ts';
import type { Faults } from '../faults.ts';
import type { Store, Tx } from '../store/store.ts';
import { auditCommitment, auditKey } from '../trust/audit-coin.ts';
import { settle, type Mechanism, type SettlementLine } from './settle.ts';

export type LedgerOptions = {
  store: Store;
  /** 32 bytes. */
  subnet: Uint8Array;
  validator: PeerId;
  validatorSeed: Uint8Array;
  /** Account that the validator's part of the emission goes to. */
  validatorAccount: AccountId;
  owner: AccountId;
  mechanisms: readonly Mechanism[];
  /** 32 secret bytes from which each epoch's audit key comes. */
  auditSecret: Uint8Array;
  consensus: Consensus;
  faults: Faults;
  logger: Logger;
};

export type OpenEpoch = { epoch: number; beacon: Uint8Array; commitment: Uint8Array; key: Uint8Array; slots: number };

export type AcceptedWork = {
  taskId: Uint8Array;
  kind: string;
  peer: PeerId;
  account: AccountId;
  work: Work;
  digest: Uint8Array;
  audit: { threshold: Uint8Array; drawn: boolean };
};

export type ClosedEpoch = { epoch: number; issued: bigint; lines: SettlementLine[]; receipts: number; next: OpenEpoch };

/** Epochs, receipts and balances. Everything it tells is on disk first. */
export class Ledger {
  readonly #options: LedgerOptions;
  #open: OpenEpoch;

  private constructor(options: LedgerOptions, open: OpenEpoch) {
    this.#options = options;
    this.#open = open;
  }

  /** Continues the open epoch of the database, or begins the first. */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const open = await options.store.write(async (tx) => {
      const row = await openRow(tx);
      if (row !== undefined) return row;
      await insertEpoch(tx, 0, firstBeacon(options.subnet), options.auditSecret);
      return await openRow(tx);
    });
    if (open === undefined) throw new Error('ledger: no open epoch');
    return new Ledger(options, withKey(open, options.auditSecret));
  }

  get current(): OpenEpoch {
    return this.#open;
  }

  /** Signs and records the receipt of verified work in the open epoch. Call inside a write; send it after the commit. */
  async accept(tx: Tx, accepted: AcceptedWork): Promise<SignedReceipt> {
    const { options, open } = { options: this.#options, open: await openRow(tx) };
    if (open === undefined) throw new Error('ledger: no open epoch');
    const receipt = signReceipt(
      {
        subnet: options.subnet,
        validator: options.validator,
        epoch: open.epoch,
        taskId: accepted.taskId,
        kind: accepted.kind,
        peer: accepted.peer,
        account: hexToBytes(accepted.account),
        work: accepted.work,
        digest: accepted.digest,
        audit: { ...accepted.audit, commitment: open.commitment },
        issuedAtMs: Date.now(),
      },
      options.validatorSeed,
    );
    await tx
      .insertInto('receipts')
      .values({
        task_id: accepted.taskId,
        epoch: open.epoch,
        kind: accepted.kind,
        peer: accepted.peer,
        account: accepted.account,
        work: accepted.work.toString(),
        payload: receipt.payload,
        signature: receipt.signature,
      })
      .execute();
    return receipt;
  }

  /** One slot has passed with the node up. Durable, so that a crash does not lose the time before it. */
  async recordSlot(): Promise<number> {
    return await this.#options.store.write(async (tx) => {
      const row = await tx
        .updateTable('epochs')
        .set((eb) => ({ slots: eb('slots', '+', 1) }))
        .where('payload', 'is', null)
        .returning('slots')
        .executeTakeFirstOrThrow();
      this.#open = { ...this.#open, slots: row.slots };
      return row.slots;
    });
  }

  /** Settles the open epoch and opens the next, in one transaction. */
  async closeEpoch(): Promise<ClosedEpoch> {
    const { store, faults, logger } = this.#options;
    const reveal = randomBytes(32);
    const closed = await store.write((tx) => this.#close(tx, reveal));
    this.#open = closed.next;
    faults.pass('epoch.closed');
    logger.info(
      { epoch: closed.epoch, receipts: closed.receipts, issued: closed.issued.toString(), accounts: closed.lines.length },
      'epoch closed',
    );
    return closed;
  }

  async #close(tx: Tx, reveal: Uint8Array): Promise<ClosedEpoch> {
    const { options } = this;
    const open = await openRow(tx);
    if (open === undefined) throw new Error('ledger: no open epoch');
    const receipts = await tx
      .selectFrom('receipts')
      .select(['kind', 'account', 'work', 'payload', 'signature'])
      .where('epoch', '=', open.epoch)
      .execute();
    const previous = await tx
      .selectFrom('epochs')
      .select(['payload', 'signature'])
      .where('epoch', '=', open.epoch - 1)
      .executeTakeFirst();
    const totalBefore = BigInt((await meta(tx, 'issued')) ?? '0');
    const { lines, issued } = settle({
      issued: totalBefore,
      slots: open.slots,
      owner: options.owner,
      mechanisms: options.mechanisms,
      weights: weightsOf(receipts, options.validatorAccount),
      consensus: options.consensus,
    });
    for (const { mechanism, account, amount } of lines) {
      await tx
        .insertInto('settlements')
        .values({ epoch: open.epoch, mechanism, account, amount: amount.toString() })
        .execute();
      const balance = await tx.selectFrom('balances').select('amount').where('account', '=', account).executeTakeFirst();
      const sum = (BigInt(balance?.amount ?? '0') + amount).toString();
      await tx
        .insertInto('balances')
        .values({ account, amount: sum })
        .onConflict((oc) => oc.column('account').doUpdateSet({ amount: sum }))
        .execute();
    }
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
        previous: previous?.payload == null || previous.signature === null ? new Uint8Array(32) : epochHash({ payload: previous.payload, signature: previous.signature }),
        beacon: open.beacon,
        auditCommitment: open.commitment,
        receiptCount: receipts.length,
        receiptsDigest: receiptsDigest(receipts),
        settlementDigest: settlementDigest(lines),
        slots: open.slots,
        issued,
        totalIssued,
        closedAtMs: Date.now(),
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
    const next = await insertEpoch(tx, open.epoch + 1, beacon, options.auditSecret);
    options.faults.pass('epoch.writing');
    return { epoch: open.epoch, issued, lines, receipts: receipts.length, next: withKey(next, options.auditSecret) };
  }

  private get options(): LedgerOptions {
    return this.#options;
  }

  async balance(account: AccountId): Promise<bigint> {
    const row = await this.#options.store.db.selectFrom('balances').select('amount').where('account', '=', account).executeTakeFirst();
    return BigInt(row?.amount ?? '0');
  }

  /** Verified work of an account in the open epoch, by kind. */
  async pending(account: AccountId): Promise<{ kind: string; units: number; work: bigint }[]> {
    const rows = await this.#options.store.db
      .selectFrom('receipts')
      .select(['kind', 'work'])
      .where('account', '=', account)
      .where('epoch', '=', this.#open.epoch)
      .execute();
    const byKind = new Map<string, { kind: string; units: number; work: bigint }>();
    for (const { kind, work } of rows) {
      const sum = byKind.get(kind) ?? { kind, units: 0, work: 0n };
      byKind.set(kind, { kind, units: sum.units + 1, work: sum.work + BigInt(work) });
    }
    return [...byKind.values()];
  }

  /** A page of an account's receipts after row `after`, oldest first. */
  async receipts(account: AccountId, after: number, limit: number): Promise<{ receipts: SignedReceipt[]; next: number; more: boolean }> {
    const size = Math.min(limit, MAX_RECEIPTS_PER_PAGE);
    const rows = await this.#options.store.db
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
  async epochs(from: number, limit: number): Promise<SignedEpoch[]> {
    const rows = await this.#options.store.db
      .selectFrom('epochs')
      .select(['payload', 'signature'])
      .where('epoch', '>=', from)
      .where('payload', 'is not', null)
      .orderBy('epoch')
      .limit(Math.min(limit, MAX_EPOCHS_PER_PAGE))
      .execute();
    return rows.flatMap(({ payload, signature }) => (payload === null || signature === null ? [] : [{ payload, signature }]));
  }

  /** The receipt of a task, where it has one. */
  async receiptOf(taskId: Uint8Array): Promise<SignedReceipt | null> {
    const row = await this.#options.store.db
      .selectFrom('receipts')
      .select(['payload', 'signature'])
      .where('task_id', '=', taskId)
      .executeTakeFirst();
    return row ?? null;
  }
}

type OpenRow = Omit<OpenEpoch, 'key'>;

const withKey = (row: OpenRow, secret: Uint8Array): OpenEpoch => ({ ...row, key: auditKey(secret, row.epoch) });

const firstBeacon = (subnet: Uint8Array): Uint8Array => hashCbor({ domain: 'gridtab/first-beacon/1', subnet });

async function openRow(tx: Tx): Promise<OpenRow | undefined> {
  const row = await tx
    .selectFrom('epochs')
    .select(['epoch', 'beacon', 'audit_commitment', 'slots'])
    .where('payload', 'is', null)
    .executeTakeFirst();
  return row === undefined ? undefined : { epoch: row.epoch, beacon: row.beacon, commitment: row.audit_commitment, slots: row.slots };
}

async function insertEpoch(tx: Tx, epoch: number, beacon: Uint8Array, secret: Uint8Array): Promise<OpenRow> {
  const commitment = auditCommitment(auditKey(secret, epoch));
  await tx
    .insertInto('epochs')
    .values({ epoch, beacon, audit_commitment: commitment, slots: 0, opened_at_ms: Date.now(), payload: null, signature: null })
    .execute();
  return { epoch, beacon, commitment, slots: 0 };
}

async function meta(tx: Tx, key: string): Promise<string | undefined> {
  return (await tx.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst())?.value;
}

function weightsOf(
  receipts: readonly { kind: string; account: string; work: string }[],
  validator: string,
): Map<string, ValidatorWeights[]> {
  const byKind = new Map<string, Map<string, bigint>>();
  for (const { kind, account, work } of receipts) {
    const accounts = byKind.get(kind) ?? new Map<string, bigint>();
    accounts.set(account, (accounts.get(account) ?? 0n) + BigInt(work));
    byKind.set(kind, accounts);
  }
  return new Map([...byKind].map(([kind, work]) => [kind, [{ validator, stake: 1n, work }]]));
}

/** sha256 over the receipt hashes in ascending order, so that the order of arrival does not matter. */
export function receiptsDigest(receipts: readonly SignedReceipt[]): Uint8Array {
  const hashes = receipts.map((receipt) => toHex(receiptHash(receipt))).sort();
  return sha256(concatBytes(...hashes.map(hexToBytes)));
}

export const settlementDigest = (lines: readonly SettlementLine[]): Uint8Array =>
  hashCbor(lines.map(({ mechanism, account, amount }) => [mechanism, account, amount]));
