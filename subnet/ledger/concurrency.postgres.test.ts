import { afterEach, beforeEach, expect, it } from 'vitest';
import { openEpoch, epochHash } from '../../protocol/epoch.ts';
import { accountOf, openTestLedger, type TestLedger } from '../testing/ledger.ts';
import { WorkingLedger } from '../testing/working-ledger.ts';

/** Ledgers of the same validator over connections of their own, as if its keys were used twice: nothing worse can meet. */
let ledgers: WorkingLedger[] = [];
let bases: TestLedger[] = [];
beforeEach(async () => {
  const first = await openTestLedger();
  bases = [first, await openTestLedger(first.path), await openTestLedger(first.path)];
  ledgers = bases.map((base, i) => WorkingLedger.over(base, 10_000 * i));
});
afterEach(async () => {
  for (const base of bases.toReversed()) await base.close();
});

it('sums of one account that several write to are those of its receipts', async () => {
  const each = 15;
  await Promise.all(
    ledgers.map(async (ledger, i) => {
      for (let n = 0; n < each; n++) await ledger.accept(1, BigInt(100 + i), 'hash', true);
    }),
  );
  const { store, ledger } = ledgers[0] ?? raise();
  const work = ledgers.reduce((sum, _ledger, i) => sum + BigInt(each * (100 + i)), 0n);
  expect(await ledger.pending(accountOf(1))).toEqual([{ kind: 'hash', units: 3 * each, work }]);
  const receipts = await store.db.selectFrom('receipts').select('kind_index').orderBy('kind_index').execute();
  // Nobody took another's number.
  expect(receipts.map(({ kind_index }) => kind_index)).toEqual(
    Array.from({ length: 3 * each }, (_, i) => i + 1),
  );
  const quality = await store.db.selectFrom('qualities').selectAll().executeTakeFirstOrThrow();
  const { accepted } = await store.db.selectFrom('standings').select('accepted').executeTakeFirstOrThrow();
  expect([quality.failed, accepted]).toEqual([0, 3 * each]);
});

it('an epoch is closed once, whoever closes it, while others go on working', async () => {
  const [first = raise(), second = raise(), third = raise()] = ledgers;
  await first.accept(1, 100n);
  await first.ledger.recordSlot();
  const work = { on: true };
  const worker = (async () => {
    while (work.on)
      await third.accept(2, 50n, 'hash', undefined, first.ledger.current).catch(() => undefined);
  })();
  const closed = await Promise.all(
    [first, second, first, second].map(({ ledger }) => ledger.closeEpoch().then(({ epoch }) => epoch)),
  );
  work.on = false;
  await worker;
  expect(closed.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);

  const signed = await first.ledger.epochs(0, 10);
  const headers = signed.map((each) => {
    const opened = openEpoch(each);
    if (!opened.ok) throw new Error(opened.message);
    return opened.value;
  });
  expect(headers.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3]);
  expect(headers.slice(1).map(({ previous }) => previous)).toEqual(signed.slice(0, -1).map(epochHash));
  // No receipt came into an epoch that was closed, and none is in two.
  for (const { epoch, receipts } of headers) {
    const own = await first.store.db.selectFrom('receipts').select('id').where('epoch', '=', epoch).execute();
    expect(receipts.sum).toBe(BigInt(own.length));
  }
  const held = await first.store.db.selectFrom('holdings').selectAll().execute();
  const owned = held.reduce(
    (sum, { spendable, escrow, on_hold }) => sum + BigInt(spendable) + BigInt(escrow) + BigInt(on_hold),
    0n,
  );
  expect(owned).toBe(headers.at(-1)?.totalIssued);
  expect(owned).toBeGreaterThan(0n);
  const open = await first.store.db
    .selectFrom('epochs')
    .select('epoch')
    .where('sealed_at_ms', 'is', null)
    .execute();
  expect(open).toEqual([{ epoch: 4 }]);
});

const raise = (): never => {
  throw new Error('expected one');
};
