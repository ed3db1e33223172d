import { afterEach, describe, expect, it } from 'vitest';
import { openEpoch } from '../../protocol/epoch.ts';
import { openReceipt } from '../../protocol/receipt.ts';
import { accountOf } from '../testing/ledger.ts';
import { WorkingLedger } from '../testing/working-ledger.ts';

let open: WorkingLedger[] = [];
const fresh = async (): Promise<WorkingLedger> => {
  const made = await WorkingLedger.open();
  open.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(open.map((ledger) => ledger.close()));
  open = [];
});

describe('ledger', () => {
  it('turns receipts into balances when an epoch closes', async () => {
    const it = await fresh();
    const receipt = await it.accept(1, 300n);
    await it.accept(2, 100n);
    expect(openReceipt(receipt)).toMatchObject({ ok: true, value: { epoch: 0, work: 300n, kind: 'hash' } });
    expect(await it.ledger.pending(accountOf(1))).toEqual([{ kind: 'hash', units: 1, work: 300n }]);
    await it.ledger.recordSlot();
    await it.ledger.recordSlot();
    const closed = await it.ledger.closeEpoch();
    expect(closed).toMatchObject({ epoch: 0, receipts: 2, issued: 200_000_000n });
    expect((await it.settledOf(1)) / (await it.settledOf(2))).toBe(3n);
    expect(await it.ledger.pending(accountOf(1))).toEqual([]);
    expect(it.ledger.current.epoch).toBe(1);
    expect(await it.audit()).toMatchObject({
      ok: true,
      value: { epochs: 1, receipts: 2, issued: 200_000_000n },
    });
  });

  it('pays a task once', async () => {
    const it = await fresh();
    await it.accept(1, 5n);
    it.sameTaskAgain();
    await expect(it.accept(1, 5n)).rejects.toThrow(/unique/i);
    expect(await it.ledger.pending(accountOf(1))).toEqual([{ kind: 'hash', units: 1, work: 5n }]);
  });

  it('signs for no unit that was not audited by a coin of long ago, which no auditor would take', async () => {
    const it = await fresh();
    // With something in escrow a coin may fall against an audit.
    for (let n = 0; n < 30; n++) await it.accept(1, 5n, 'hash', true);
    const first = it.ledger.current;
    await it.ledger.closeEpoch();
    await it.accept(1, 5n, 'hash', false, first);
    await it.ledger.closeEpoch();
    await expect(it.accept(1, 5n, 'hash', false, first)).rejects.toThrow(/long before epoch 2/);
    await it.accept(1, 5n, 'hash', true, first);
    expect(await it.audit()).toMatchObject({ ok: true });
  });

  it('continues where it was after a restart, with the same open epoch and beacon', async () => {
    const first = await fresh();
    await first.accept(1, 5n);
    await first.ledger.recordSlot();
    await first.ledger.closeEpoch();
    await first.ledger.recordSlot();
    const before = first.ledger.current;
    await first.store.close();
    const second = await WorkingLedger.open(first.base.path);
    expect(second.ledger.current).toEqual(before);
    expect(await second.settledOf(1)).toBeGreaterThan(0n);
    expect(await second.audit()).toMatchObject({ ok: true });
    open = [second];
  });

  it('chains signed headers', async () => {
    const it = await fresh();
    await it.ledger.closeEpoch();
    await it.accept(1, 5n, 'infer');
    await it.ledger.recordSlot();
    await it.ledger.closeEpoch();
    const headers = (await it.ledger.epochs(0, 10)).map((signed) => openEpoch(signed));
    expect(headers).toMatchObject([
      { ok: true, value: { epoch: 0, issued: 0n, receipts: { sum: 0n } } },
      {
        ok: true,
        value: { epoch: 1, issued: 600_000_000n, totalIssued: 600_000_000n, receipts: { sum: 1n } },
      },
    ]);
  });

  it("pages through an account's receipts", async () => {
    const it = await fresh();
    for (let i = 0; i < 5; i++) await it.accept(1, 1n);
    await it.accept(2, 1n);
    const first = await it.ledger.receipts(accountOf(1), 0, 3);
    expect([first.receipts.length, first.more]).toEqual([3, true]);
    const second = await it.ledger.receipts(accountOf(1), first.next, 3);
    expect([second.receipts.length, second.more]).toEqual([2, false]);
  });
});
