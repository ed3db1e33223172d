import { beforeEach, describe, expect, it } from 'vitest';
import type { PeerId } from '../../protocol/ids.ts';
import { openReceipt, signReceipt, type Receipt, type SignedReceipt } from '../../protocol/receipt.ts';
import { keyPair } from '../../protocol/sign.ts';
import { memoryStore, type Store } from '../identity/store.ts';
import { FakeValidator } from '../session/testing/fake-validator.ts';
import { LATEST_ROWS, loadCursor, ReceiptBook, saveCursor } from './book.ts';
import { checkReceipt, type ReceiptClaim, type ReceiptContext } from './check.ts';

const account = new Uint8Array(32).fill(4);
const bytes = (fill: number) => new Uint8Array(32).fill(fill);
let validator: FakeValidator;
let receipt: Receipt;
let context: ReceiptContext;
let claim: ReceiptClaim;
beforeEach(async () => {
  validator = await FakeValidator.create();
  receipt = {
    subnet: validator.subnet,
    validator: validator.peer,
    epoch: 1,
    taskId: bytes(1),
    kind: 'hash',
    peer: validator.peer,
    account,
    work: 2n ** 60n,
    digest: bytes(2),
    audit: { threshold: bytes(0), commitment: bytes(0), drawn: true },
    issuedAtMs: 1000,
  };
  context = { subnet: validator.subnet, account, validators: new Set([validator.peer]) };
  claim = {
    validator: validator.peer,
    peer: validator.peer,
    taskId: bytes(1),
    kind: 'hash',
    digest: bytes(2),
  };
});
const signed = (change: Partial<Receipt> = {}, seed = validator.keys.seed): SignedReceipt =>
  signReceipt({ ...receipt, ...change }, seed);

describe('checkReceipt', () => {
  it('takes what is signed by our validator for our work', () => {
    expect(checkReceipt(signed(), context, claim)).toMatchObject({ ok: true, value: { work: 2n ** 60n } });
  });

  it('refuses another signature', () => {
    expect(checkReceipt(signed({}, keyPair().seed), context)).toMatchObject({ code: 'BAD_SIGNATURE' });
    expect(checkReceipt({ payload: bytes(1), signature: new Uint8Array(64) }, context)).toMatchObject({
      code: 'MALFORMED',
    });
  });

  it.each<[string, Partial<Receipt>]>([
    ['subnet', { subnet: bytes(9) }],
    ['account', { account: bytes(9) }],
    ['task', { taskId: bytes(9) }],
    ['kind', { kind: 'infer' }],
    ['result', { digest: bytes(9) }],
    ['peer', { peer: '12D3KooWFpgWzWArwuK2VJCHBgumpqUDskERjLdicnw9tuSLe2bB' as PeerId }],
  ])('refuses a genuine receipt of another %s', (field, change) => {
    expect(checkReceipt(signed(change), context, claim)).toMatchObject({
      code: 'NOT_OURS',
      message: `the receipt names another ${field}`,
    });
  });

  it('refuses a validator that the manifest does not name', () => {
    expect(checkReceipt(signed(), { ...context, validators: new Set() })).toMatchObject({ code: 'NOT_OURS' });
  });
});

describe('ReceiptBook', () => {
  let store: Store;
  let book: ReceiptBook;
  beforeEach(() => {
    store = memoryStore();
    book = new ReceiptBook(store);
  });
  const add = (n: number) => {
    const one = signed({ taskId: bytes(n), issuedAtMs: n });
    const opened = openReceipt(one);
    if (!opened.ok) throw new Error(opened.message);
    return book.add(one, opened.value);
  };

  it('keeps each receipt once, shows the latest, and finds them again', async () => {
    for (let n = 1; n <= LATEST_ROWS + 5; n++) await add(n);
    expect(await add(3)).toEqual({ ok: true, value: null });
    expect(book.view.total).toBe(LATEST_ROWS + 5);
    expect(book.view.latest).toHaveLength(LATEST_ROWS);
    expect(book.view.latest[0]?.issuedAtMs).toBe(LATEST_ROWS + 5);
    const again = new ReceiptBook(store);
    await again.load();
    expect(again.view).toEqual(book.view);
  });

  it('does not show what was altered in storage', async () => {
    await add(1);
    const [stored] = await store.latest('receipts', 1);
    await store.put('receipts', '9', { ...(stored as SignedReceipt), signature: new Uint8Array(64) });
    await store.put('receipts', '8', 'garbage');
    const again = new ReceiptBook(store);
    await again.load();
    expect(again.view.latest).toHaveLength(1);
  });

  it('exports the signed bytes', async () => {
    await add(1);
    const json: unknown = JSON.parse(await book.export());
    expect(json).toMatchObject({
      format: 'gridtab-receipts/1',
      receipts: [{ verified: true, work: (2n ** 60n).toString() }],
    });
  });

  it('remembers how far the ledger was read', async () => {
    expect(await loadCursor(store, 'k')).toBe(0);
    await saveCursor(store, 'k', 41);
    expect(await loadCursor(store, 'k')).toBe(41);
    await store.put('cursors', 'k', { after: -1 });
    expect(await loadCursor(store, 'k')).toBe(0);
  });
});
