import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SUBNET } from '../testing/ledger.ts';
import {
  act,
  hold,
  holdNameOf,
  M,
  openTestSpending,
  partyOf,
  VALIDATOR,
  type TestSpending,
} from '../testing/spending.ts';
import { cancelHold, coversQuote, payHold, type Payee } from './holds.ts';

/** The account of the validator that runs jobs, and the requester, which is whoever has credits. */
const desk = partyOf(5);
const payee: Payee = { subnet: SUBNET, account: desk.id, signer: desk.seed };
const requester = VALIDATOR;
const [alice, bob] = [partyOf(6), partyOf(7)];

let it0: TestSpending;
let name: string;
beforeEach(async () => {
  it0 = await openTestSpending();
  await act(it0, requester, hold(desk, 10n * M, 3));
  name = holdNameOf(requester, 1);
});
afterEach(() => it0.close());

const spendableOf = async ({ id }: typeof desk): Promise<bigint> =>
  (await it0.spending.account(id)).spendable;
const payTo = (...to: [typeof desk, bigint][]) =>
  it0.store.write((tx) =>
    payHold(
      tx,
      payee,
      name,
      to.map(([{ id: account }, amount]) => ({ account, amount })),
    ),
  );

describe('a hold for a quote', () => {
  const covers = (change: object = {}, hold = name) =>
    it0.store.write((tx) =>
      coversQuote(tx, hold, { payee: desk.id, amount: 10n * M, throughEpoch: 3, ...change }),
    );

  it('covers it where it is open, for the payee, and as large and long', async () => {
    expect(await covers()).toMatchObject({ ok: true, value: { account: requester.id, amount: 10n * M } });
    expect(await covers({ amount: 10n * M + 1n })).toMatchObject({ code: 'TOO_LITTLE' });
    expect(await covers({ throughEpoch: 4 })).toMatchObject({ code: 'TOO_SHORT' });
    expect(await covers({ payee: alice.id })).toMatchObject({ code: 'NOT_PAYEE' });
    expect(await covers({}, '00'.repeat(32))).toMatchObject({ code: 'NO_SUCH_HOLD' });
    await payTo([alice, M]);
    expect(await covers()).toMatchObject({ code: 'NO_SUCH_HOLD' });
  });
});

describe('paying a hold', () => {
  it('pays whoever did the work, parts of one account together, and gives the rest back', async () => {
    const before = await spendableOf(requester);
    expect(await payTo([alice, 3n * M], [bob, 2n * M], [alice, M])).toEqual({
      ok: true,
      value: { paid: 6n * M },
    });
    expect([await spendableOf(alice), await spendableOf(bob)]).toEqual([4n * M, 2n * M]);
    expect(await spendableOf(requester)).toBe(before + 4n * M);
  });

  it('answers the same payment again, and pays once', async () => {
    const paid = await payTo([alice, 3n * M]);
    expect(await payTo([alice, 3n * M])).toEqual(paid);
    expect(await payTo([alice, 4n * M])).toMatchObject({ code: 'NO_SUCH_HOLD' });
    expect(await spendableOf(alice)).toBe(3n * M);
  });

  it('refuses more than is on hold, and the hold stays', async () => {
    expect(await payTo([alice, 11n * M])).toMatchObject({ code: 'OVER_HOLD' });
    expect(await it0.spending.hold(name)).toMatchObject({ ended: null });
  });

  it('is undone with the verdict that it belongs to', async () => {
    const verdict = it0.store.write(async (tx) => {
      expect(await payHold(tx, payee, name, [{ account: alice.id, amount: M }])).toMatchObject({ ok: true });
      throw new Error('no verdict');
    });
    await expect(verdict).rejects.toThrow('no verdict');
    expect(await spendableOf(alice)).toBe(0n);
    expect(await payTo([alice, M])).toMatchObject({ ok: true });
  });

  it('pays many holds at once, each by its own number', async () => {
    for (let n = 2; n <= 12; n++) await act(it0, requester, hold(desk, M, 9));
    const paid = await Promise.all(
      Array.from({ length: 11 }, (_, i) =>
        it0.store.write((tx) =>
          payHold(tx, payee, holdNameOf(requester, i + 2), [{ account: alice.id, amount: M }]),
        ),
      ),
    );
    expect(paid.every(({ ok }) => ok)).toBe(true);
    expect(await spendableOf(alice)).toBe(11n * M);
    expect(await it0.spending.account(desk.id)).toMatchObject({ nextNonce: 12 });
  });

  it('is too late once the hold went back; giving back what went back is not', async () => {
    for (let n = 0; n < 3; n++) await it0.ledger.closeEpoch();
    expect(await payTo([alice, M])).toMatchObject({ code: 'NO_SUCH_HOLD' });
    expect(await it0.store.write((tx) => cancelHold(tx, payee, name))).toEqual({
      ok: true,
      value: { paid: 0n },
    });
  });
});

it('cancelling gives everything back', async () => {
  const before = await spendableOf(requester);
  expect(await it0.store.write((tx) => cancelHold(tx, payee, name))).toEqual({
    ok: true,
    value: { paid: 0n },
  });
  expect(await spendableOf(requester)).toBe(before + 10n * M);
  expect(await it0.spending.hold(name)).toMatchObject({ ended: { epoch: 1, paid: 0n } });
});
