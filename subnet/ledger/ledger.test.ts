import { afterEach, describe, expect, it } from 'vitest';
import { openEpoch } from '../../protocol/epoch.ts';
import { asWork } from '../../protocol/ids.ts';
import { openReceipt, signReceipt } from '../../protocol/receipt.ts';
import {
  accountOf,
  MECHANISMS,
  openTestLedger,
  OWNER,
  peerOf,
  SUBNET,
  VALIDATOR_ACCOUNT,
  type TestLedger,
} from '../testing/ledger.ts';
import { singleValidatorConsensus } from '../consensus/consensus.ts';
import { replayLedger } from './replay.ts';

let open: TestLedger[] = [];
const fresh = async (path?: string): Promise<TestLedger> => {
  const made = await openTestLedger(path);
  open.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(open.map((ledger) => ledger.close()));
  open = [];
});

let counter = 0;
async function accept({ store, ledger }: TestLedger, account: number, work: bigint, kind = 'hash') {
  const taskId = new Uint8Array(32);
  new DataView(taskId.buffer).setUint32(0, ++counter);
  const peer = await peerOf(account);
  return await store.write((tx) =>
    ledger.accept(tx, {
      taskId,
      kind,
      peer,
      account: accountOf(account),
      work: asWork(work),
      digest: new Uint8Array(32).fill(1),
      audit: { threshold: new Uint8Array(32).fill(255), commitment: ledger.current.commitment, drawn: true },
    }),
  );
}

const replay = ({ store, validator }: TestLedger) =>
  replayLedger(store, {
    subnet: SUBNET,
    validator,
    owner: OWNER,
    validatorAccount: VALIDATOR_ACCOUNT,
    mechanisms: MECHANISMS,
    consensus: singleValidatorConsensus,
  });

describe('ledger', () => {
  it('is opened so that a commit is on disk: WAL, synchronous FULL', async () => {
    const { store } = await fresh();
    expect(store.durability).toEqual({ journalMode: 'wal', synchronous: 2 });
  });

  it('turns receipts into balances when an epoch closes', async () => {
    const it = await fresh();
    const receipt = await accept(it, 1, 300n);
    await accept(it, 2, 100n);
    expect(openReceipt(receipt)).toMatchObject({ ok: true, value: { epoch: 0, work: 300n, kind: 'hash' } });
    expect(await it.ledger.pending(accountOf(1))).toEqual([{ kind: 'hash', units: 1, work: 300n }]);
    await it.ledger.recordSlot();
    await it.ledger.recordSlot();
    const closed = await it.ledger.closeEpoch();
    expect(closed).toMatchObject({ epoch: 0, receipts: 2, issued: 200_000_000n });
    expect((await it.ledger.balance(accountOf(1))) / (await it.ledger.balance(accountOf(2)))).toBe(3n);
    expect(await it.ledger.pending(accountOf(1))).toEqual([]);
    expect(it.ledger.current.epoch).toBe(1);
    expect(await replay(it)).toMatchObject({
      ok: true,
      value: { epochs: 1, receipts: 2, issued: 200_000_000n },
    });
  });

  it('pays a task once', async () => {
    const it = await fresh();
    await accept(it, 1, 5n);
    counter -= 1;
    await expect(accept(it, 1, 5n)).rejects.toThrow(/UNIQUE/);
    expect(await it.ledger.pending(accountOf(1))).toEqual([{ kind: 'hash', units: 1, work: 5n }]);
  });

  it('continues where it was after a restart, with the same open epoch and beacon', async () => {
    const first = await fresh();
    await accept(first, 1, 5n);
    await first.ledger.recordSlot();
    await first.ledger.closeEpoch();
    await first.ledger.recordSlot();
    const before = first.ledger.current;
    await first.store.close();
    const second = await openTestLedger(first.path);
    expect(second.ledger.current).toEqual(before);
    expect(await second.ledger.balance(accountOf(1))).toBeGreaterThan(0n);
    expect(await replay(second)).toMatchObject({ ok: true });
    open = [second];
  });

  it('chains signed headers', async () => {
    const it = await fresh();
    await it.ledger.closeEpoch();
    await accept(it, 1, 5n, 'infer');
    await it.ledger.recordSlot();
    await it.ledger.closeEpoch();
    const headers = (await it.ledger.epochs(0, 10)).map((signed) => openEpoch(signed));
    expect(headers).toMatchObject([
      { ok: true, value: { epoch: 0, issued: 0n, receiptCount: 0 } },
      { ok: true, value: { epoch: 1, issued: 600_000_000n, totalIssued: 600_000_000n, receiptCount: 1 } },
    ]);
  });

  it("pages through an account's receipts", async () => {
    const it = await fresh();
    for (let i = 0; i < 5; i++) await accept(it, 1, 1n);
    await accept(it, 2, 1n);
    const first = await it.ledger.receipts(accountOf(1), 0, 3);
    expect([first.receipts.length, first.more]).toEqual([3, true]);
    const second = await it.ledger.receipts(accountOf(1), first.next, 3);
    expect([second.receipts.length, second.more]).toEqual([2, false]);
  });
});

describe('replay', () => {
  const tampering: [string, (it: TestLedger) => Promise<unknown>, RegExp][] = [
    [
      'a raised balance',
      (it) =>
        it.store.db
          .updateTable('balances')
          .set({ amount: '999' })
          .where('account', '=', accountOf(1))
          .execute(),
      /balance of/,
    ],
    [
      'a receipt by a stranger',
      async (it) => {
        const { receipts } = await it.ledger.receipts(accountOf(1), 0, 1);
        const opened = receipts[0] === undefined ? null : openReceipt(receipts[0]);
        if (opened?.ok !== true) throw new Error('expected a receipt');
        const forged = signReceipt(
          { ...opened.value, validator: await peerOf(50) },
          new Uint8Array(32).fill(50),
        );
        await it.store.db.updateTable('receipts').set(forged).execute();
      },
      /does not say what this validator signed/,
    ],
    [
      'another beacon',
      (it) =>
        it.store.db
          .updateTable('epochs')
          .set({ beacon: new Uint8Array(32) })
          .where('epoch', '=', 0)
          .execute(),
      /beacon or audit commitment/,
    ],
    [
      'a receipt that is gone',
      (it) => it.store.db.deleteFrom('receipts').where('kind', '=', 'hash').execute(),
      /epoch 0: 0 receipts/,
    ],
    [
      'a receipt with more work',
      (it) => it.store.db.updateTable('receipts').set({ work: '77' }).execute(),
      /does not say what this validator signed/,
    ],
    [
      "a settlement in another's favour",
      (it) =>
        it.store.db
          .updateTable('settlements')
          .set({ amount: '1' })
          .where('account', '=', accountOf(1))
          .execute(),
      /settlement differs/,
    ],
    [
      'a forged signature',
      (it) =>
        it.store.db
          .updateTable('receipts')
          .set({ signature: new Uint8Array(64) })
          .execute(),
      /not signed/,
    ],
  ];

  for (const [what, tamper, difference] of tampering) {
    it(`finds ${what}`, async () => {
      const it = await fresh();
      await accept(it, 1, 10n);
      await it.ledger.recordSlot();
      await it.ledger.closeEpoch();
      expect(await replay(it)).toMatchObject({ ok: true });
      await tamper(it);
      const found = await replay(it);
      expect(found).toMatchObject({ ok: false, code: 'DIFFERENCE' });
      expect(found.ok ? '' : found.message).toMatch(difference);
    });
  }
});
