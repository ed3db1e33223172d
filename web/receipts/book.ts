import * as v from 'valibot';
import { toHex } from '../../protocol/bytes.ts';
import {
  openReceipt,
  signedReceiptSchema,
  type Receipt,
  type SignedReceipt,
} from '../../protocol/receipt.ts';
import { ok, type Outcome } from '../../protocol/outcome.ts';
import { uint } from '../../protocol/schema.ts';
import type { Store, StoreFailure } from '../identity/store.ts';
import { breathe } from '../session/breathe.ts';
import type { ReceiptRow } from '../state/types.ts';

/**
 * Receipts kept in the browser; the oldest go first. About 600 bytes each, so 6 MB; the validator's ledger has them
 * all. Documented for users as "the last 10,000".
 */
export const RECEIPT_RETENTION = 10_000;
/** Rows shown on the page. */
export const LATEST_ROWS = 50;
/** How far past the retention the book may grow before it is trimmed: trimming scans. */
const TRIM_EVERY = 100;

export const receiptRow = (receipt: Receipt, verified: boolean): ReceiptRow => ({
  taskId: toHex(receipt.taskId),
  kind: receipt.kind,
  epoch: receipt.epoch,
  work: receipt.work.toString(),
  validator: receipt.validator,
  issuedAtMs: receipt.issuedAtMs,
  verified,
});

/** Sorts by time of issue; the same receipt always has the same key, so it is kept once. */
const keyOf = (receipt: Receipt): string =>
  `${String(Math.trunc(receipt.issuedAtMs)).padStart(16, '0')}-${toHex(receipt.taskId)}`;

/** The receipts of this browser: all accounts and subnets it worked for. */
export class ReceiptBook {
  readonly #store: Store;
  #total = 0;
  #latest: ReceiptRow[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  get view(): { total: number; latest: ReceiptRow[] } {
    return { total: this.#total, latest: this.#latest };
  }

  /** Reads what is stored. Signatures are checked again: storage is not to be trusted more than the network. */
  async load(): Promise<void> {
    this.#total = await this.#store.count('receipts');
    const rows: ReceiptRow[] = [];
    for (const value of await this.#store.latest('receipts', LATEST_ROWS)) {
      const stored = v.safeParse(signedReceiptSchema, value);
      const opened = stored.success ? openReceipt(stored.output) : null;
      if (opened?.ok) rows.push(receiptRow(opened.value, true));
      // About a millisecond each for the signature: let the page draw in between.
      if (rows.length % 10 === 9) await breathe();
    }
    this.#latest = rows;
  }

  /** Keeps a receipt that was checked. Gives its row, or null when it was here already. */
  async add(signed: SignedReceipt, receipt: Receipt): Promise<Outcome<ReceiptRow | null, StoreFailure>> {
    const row = receiptRow(receipt, true);
    const key = keyOf(receipt);
    if (this.#latest.some(({ taskId }) => taskId === row.taskId)) return ok(null);
    const known = (await this.#store.get('receipts', key)) !== undefined;
    this.#latest = [row, ...this.#latest]
      .toSorted((a, b) => b.issuedAtMs - a.issuedAtMs)
      .slice(0, LATEST_ROWS);
    const put = known
      ? ok(undefined)
      : await this.#store.put('receipts', key, { payload: signed.payload, signature: signed.signature });
    // Counted anew, since other tabs of this browser keep theirs in the same place.
    this.#total = await this.#store.count('receipts');
    if (!put.ok) return put;
    if (this.#total >= RECEIPT_RETENTION + TRIM_EVERY) {
      await this.#store.trim('receipts', RECEIPT_RETENTION);
      this.#total = await this.#store.count('receipts');
    }
    return ok(known ? null : row);
  }

  /** Every stored receipt as it is, unchecked, the last one first. */
  async all(): Promise<unknown[]> {
    return await this.#store.latest('receipts', RECEIPT_RETENTION + TRIM_EVERY);
  }

  /** Every stored receipt as a JSON document: readable fields beside the signed bytes, in hex, that prove them. */
  async export(): Promise<string> {
    const receipts: unknown[] = [];
    for (const value of await this.all()) {
      const stored = v.safeParse(signedReceiptSchema, value);
      if (!stored.success) continue;
      const opened = openReceipt(stored.output);
      receipts.push({
        ...(opened.ok ? receiptRow(opened.value, true) : { verified: false }),
        payload: toHex(stored.output.payload),
        signature: toHex(stored.output.signature),
      });
      if (receipts.length % 20 === 0) await breathe();
    }
    return `${JSON.stringify({ format: 'gridtab-receipts/1', receipts }, null, 2)}\n`;
  }
}

const storedCursor = v.object({ after: uint() });

/** How far this browser has read an account's receipts from a validator's ledger. */
export async function loadCursor(store: Store, key: string): Promise<number> {
  const stored = v.safeParse(storedCursor, await store.get('cursors', key));
  return stored.success ? stored.output.after : 0;
}

export const saveCursor = (store: Store, key: string, after: number) => store.put('cursors', key, { after });
