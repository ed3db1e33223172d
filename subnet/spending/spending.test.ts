import { afterEach, describe, expect, it } from 'vitest';
import { readEpoch } from '../../protocol/epoch.ts';
import { MAX_OPERATIONS_PER_PAGE } from '../../protocol/limits.ts';
import { operationHash, readOperation } from '../../protocol/operation.ts';
import { projectDatabase } from '../testing/databases.ts';
import { accountOf } from '../testing/ledger.ts';
import {
  act,
  hold,
  holdNameOf,
  M,
  openTestSpending,
  owned,
  partyOf,
  pay,
  signed,
  transfer,
  VALIDATOR,
  type TestSpending,
} from '../testing/spending.ts';
import { Spending } from './spending.ts';

const [alice, bob, carol] = [partyOf(1), partyOf(2), partyOf(3)];

let open: TestSpending[] = [];
const fresh = async (path?: string): Promise<TestSpending> => {
  const made = await openTestSpending(path);
  open.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(open.map((it) => it.close()));
  open = [];
});

const spendableOf = async ({ spending }: TestSpending, { id }: { id: typeof alice.id }): Promise<bigint> =>
  (await spending.account(id)).spendable;

/** What an epoch's header says everybody owns, and what was issued by then. */
async function headerOf({ store }: TestSpending, epoch: number) {
  const { payload } = await store.db
    .selectFrom('epochs')
    .select('payload')
    .where('epoch', '=', epoch)
    .executeTakeFirstOrThrow();
  const header = readEpoch(payload ?? new Uint8Array(0));
  if (!header.ok) throw new Error(header.message);
  return header.value;
}

describe('submitting', () => {
  it('moves credits between accounts, also to one that nobody knows', async () => {
    const it = await fresh();
    const before = await it.spending.account(VALIDATOR.id);
    expect(before).toMatchObject({ nextNonce: 1, epoch: 1, settling: false, escrow: 0n, onHold: 0n });
    expect(before.spendable).toBeGreaterThan(1_000n * M);
    const done = await it.spending.submit(signed(VALIDATOR, 1, transfer(bob, 5n * M)));
    expect(done).toMatchObject({
      ok: true,
      value: { account: VALIDATOR.id, nonce: 1, epoch: 1, hold: null },
    });
    expect(await it.spending.account(VALIDATOR.id)).toMatchObject({
      spendable: before.spendable - 5n * M,
      nextNonce: 2,
    });
    expect(await it.spending.account(bob.id)).toMatchObject({ spendable: 5n * M, nextNonce: 1 });
    expect(await it.spending.account(carol.id)).toMatchObject({ spendable: 0n, nextNonce: 1, holds: [] });
  });

  it('answers the same operation as it did at first, and does it once', async () => {
    const it = await fresh();
    const first = signed(VALIDATOR, 1, hold(bob, 5n * M, 9));
    const done = await it.spending.submit(first);
    expect(done).toMatchObject({ ok: true, value: { hold: holdNameOf(VALIDATOR, 1) } });
    await it.ledger.closeEpoch();
    await act(it, VALIDATOR, transfer(bob, M));
    expect(await it.spending.submit(first)).toEqual(done);
    expect(await it.spending.account(VALIDATOR.id)).toMatchObject({ onHold: 5n * M, nextNonce: 3 });
    // Only the same: another of that number is not done.
    const other = signed(VALIDATOR, 1, hold(bob, 6n * M, 9));
    expect(await it.spending.submit(other)).toMatchObject({ code: 'NONCE_USED' });
    // And not just anybody may ask.
    const forged = { ...first, signature: signed(bob, 1, transfer(carol, M)).signature };
    expect(await it.spending.submit(forged)).toMatchObject({ code: 'BAD_SIGNATURE' });
  });

  it('does not remember a refusal: what was missing may come', async () => {
    const it = await fresh();
    const early = signed(bob, 1, transfer(carol, M));
    expect(await it.spending.submit(early)).toMatchObject({ code: 'INSUFFICIENT' });
    await act(it, VALIDATOR, transfer(bob, M));
    expect(await it.spending.submit(early)).toMatchObject({ ok: true });
  });

  it.each([
    ['of another subnet', 'WRONG_SUBNET', { subnet: new Uint8Array(32) }],
    ['that is too late', 'EXPIRED', { notAfterEpoch: 0 }],
    ['out of turn', 'NONCE_AHEAD', { nonce: 2 }],
  ])('refuses one %s, and leaves no trace', async (_, code, change) => {
    const it = await fresh();
    const before = await it.spending.account(VALIDATOR.id);
    const refused = await it.spending.submit(signed(VALIDATOR, 1, transfer(bob, M), change));
    expect(refused).toMatchObject({ ok: false, code });
    expect(await it.spending.account(VALIDATOR.id)).toEqual(before);
    expect(await it.spending.operations(VALIDATOR.id, 0, 10)).toMatchObject({ operations: [] });
  });

  it('does not spend what is in escrow', async () => {
    const it = await fresh();
    const { escrow, spendable } = await it.spending.account(accountOf(1));
    expect([escrow > 1_000n * M, spendable]).toEqual([true, 0n]);
    expect(await it.spending.submit(signed(alice, 1, transfer(bob, M)))).toMatchObject({
      code: 'INSUFFICIENT',
    });
    // Twenty epochs later it has vested.
    for (let n = 0; n < 20; n++) await it.ledger.closeEpoch();
    expect(await it.spending.account(alice.id)).toMatchObject({ escrow: 0n, spendable: escrow });
    await act(it, alice, transfer(bob, escrow));
    expect(await spendableOf(it, bob)).toBe(escrow);
  });

  it('waits while an epoch is sealed and not closed', async () => {
    const it = await fresh();
    const before = signed(VALIDATOR, 1, transfer(bob, M));
    await it.spending.submit(before);
    // As with several validators, between the seal and the header that enough of them signed.
    await it.store.write(async (tx) => {
      await tx.updateTable('epochs').set({ sealed_at_ms: 1 }).where('epoch', '=', 1).execute();
      await tx
        .insertInto('epochs')
        .values({ epoch: 2, beacon: new Uint8Array(32), opened_at_ms: 1 })
        .execute();
    });
    const next = signed(VALIDATOR, 2, transfer(bob, M));
    expect(await it.spending.submit(next)).toMatchObject({ code: 'SETTLING' });
    expect(await it.spending.account(bob.id)).toMatchObject({ spendable: M, epoch: 2, settling: true });
    expect(await it.spending.submit(before)).toMatchObject({ ok: true, value: { epoch: 1 } });
    await it.store.write((tx) =>
      tx
        .updateTable('epochs')
        .set({ settler: it.validator, payload: new Uint8Array(1), signature: new Uint8Array(64) })
        .where('epoch', '=', 1)
        .execute(),
    );
    expect(await it.spending.submit(next)).toMatchObject({ ok: true, value: { epoch: 2 } });
  });
});

describe('many at once', () => {
  it('of one account, with rivals for each number, spend what there is and no more', async () => {
    const it = await fresh();
    await act(it, VALIDATOR, transfer(bob, 10n * M));
    // Fifty of 3 · M, five for each number: three fit.
    const attempts = Array.from({ length: 50 }, (_, i) =>
      signed(bob, (i % 10) + 1, transfer(partyOf(10 + i), 3n * M)),
    );
    const outcomes = await Promise.all(attempts.map((each) => it.spending.submit(each)));
    const again = await Promise.all(attempts.map((each) => it.spending.submit(each)));
    const taken = new Set(
      [...outcomes, ...again].flatMap((outcome) => (outcome.ok ? [outcome.value.hash] : [])),
    );
    expect(taken.size).toBe(3);
    expect(await it.spending.account(bob.id)).toMatchObject({ spendable: M, nextNonce: 4 });
  });

  it('of several accounts, numbered in a row: exactly those that fit', async () => {
    const it = await fresh();
    const spenders = [10, 11, 12, 13, 14].map(partyOf);
    for (const [i, spender] of spenders.entries())
      await act(it, VALIDATOR, transfer(spender, BigInt(2 + i) * M));
    // Ten each, in turn: the first has credits for two of them, the last for six.
    const attempts = Array.from({ length: 50 }, (_, i) => ({ i, spender: spenders[i % 5] ?? bob }));
    const outcomes = await Promise.all(
      attempts.map(({ i, spender }) =>
        it.spending.submit(signed(spender, Math.floor(i / 5) + 1, transfer(carol, M))),
      ),
    );
    expect(outcomes.map(({ ok }) => ok)).toEqual(attempts.map(({ i }) => Math.floor(i / 5) < 2 + (i % 5)));
    const codes = new Set(outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.code])));
    expect([...codes].sort()).toEqual(['INSUFFICIENT', 'NONCE_AHEAD']);
    expect(await Promise.all(spenders.map((spender) => spendableOf(it, spender)))).toEqual([
      0n,
      0n,
      0n,
      0n,
      0n,
    ]);
    expect(await spendableOf(it, carol)).toBe(20n * M);
  });

  it('of one number: one is done', async () => {
    const it = await fresh();
    const rivals = Array.from({ length: 20 }, (_, i) => signed(VALIDATOR, 1, transfer(partyOf(10 + i), M)));
    const outcomes = await Promise.all(rivals.map((each) => it.spending.submit(each)));
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    expect(outcomes.filter((outcome) => !outcome.ok && outcome.code === 'NONCE_USED')).toHaveLength(19);
  });

  it('over two nodes on one database: nothing is spent twice', async () => {
    const it = await fresh();
    const other = projectDatabase() === 'postgres' ? await fresh(it.path) : it;
    await act(it, VALIDATOR, transfer(bob, 10n * M));
    await act(it, VALIDATOR, hold(carol, 10n * M, 9));
    const name = holdNameOf(VALIDATOR, 2);
    const attempts = [
      ...Array.from({ length: 20 }, (_, i) => signed(bob, (i % 4) + 1, transfer(partyOf(10 + i), 3n * M))),
      ...Array.from({ length: 10 }, (_, i) => signed(carol, 1, pay(name, [partyOf(40 + i), 10n * M]))),
    ];
    const taken = new Set<string>();
    // Four times, since a number may come to one node before the number before it has come to the other.
    for (let round = 0; round < 4; round++) {
      const outcomes = await Promise.all(
        attempts.flatMap((each) => [it.spending.submit(each), other.spending.submit(each)]),
      );
      for (const outcome of outcomes) if (outcome.ok) taken.add(outcome.value.hash);
    }
    expect(taken.size).toBe(3 + 1);
    expect(await other.spending.account(bob.id)).toMatchObject({ spendable: M, nextNonce: 4 });
    expect(await it.spending.hold(name)).toMatchObject({ ended: { paid: 10n * M } });
    const paid = await Promise.all(Array.from({ length: 40 }, (_, i) => spendableOf(it, partyOf(10 + i))));
    expect(paid.reduce((sum, amount) => sum + amount, 0n)).toBe(19n * M);
    await it.ledger.closeEpoch();
    expect(await owned(it)).toBe((await headerOf(it, 1)).totalIssued);
  });

  it('copies of one: done once, all told so', async () => {
    const it = await fresh();
    const one = signed(VALIDATOR, 1, transfer(bob, M));
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => it.spending.submit(one)));
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
    expect(await spendableOf(it, bob)).toBe(M);
  });

  it('that pay one hold: one does', async () => {
    const it = await fresh();
    await act(it, VALIDATOR, hold(bob, 10n * M, 9));
    const name = holdNameOf(VALIDATOR, 1);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        it.spending.submit(signed(bob, i + 1, pay(name, [carol, 10n * M]))),
      ),
    );
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await spendableOf(it, carol)).toBe(10n * M);
  });

  it('beside epochs that close: headers own what was issued, and every operation is in one', async () => {
    const it = await fresh();
    const attempts = Array.from({ length: 40 }, (_, i) =>
      signed(VALIDATOR, i + 1, i % 2 === 0 ? transfer(bob, M) : hold(carol, M, 1 + (i % 4))),
    );
    const closing = async (): Promise<void> => {
      for (let n = 0; n < 4; n++) {
        await it.working.accept(1, 10n);
        await it.ledger.recordSlot();
        await it.ledger.closeEpoch();
      }
    };
    const submitting = (async () => {
      const done = [];
      for (const each of attempts) done.push(await it.spending.submit(each));
      return done;
    })();
    await Promise.all([closing(), submitting]);
    const epochs = new Set(
      (await submitting).map((outcome) => (outcome.ok ? outcome.value.epoch : outcome.code)),
    );
    expect(epochs.size).toBeGreaterThan(1);
    await it.ledger.closeEpoch();
    for (let epoch = 1; epoch <= 5; epoch++) {
      const { balances, totalIssued } = await headerOf(it, epoch);
      expect(balances.sum).toBe(totalIssued);
    }
    expect(await owned(it)).toBe((await headerOf(it, 5)).totalIssued);
  });
});

describe('a crash inside the write', () => {
  it.each([
    ['a transfer', transfer(bob, M)],
    ['a hold', hold(bob, M, 9)],
    ['a payment', pay(holdNameOf(VALIDATOR, 1), [carol, M])],
  ])('leaves nothing of %s', async (_, action) => {
    const it = await fresh();
    await act(it, VALIDATOR, hold(VALIDATOR, 3n * M, 9));
    const before = await everything(it);
    const failing = new Spending({
      subnet: new Uint8Array(32).fill(7),
      store: {
        db: it.store.db,
        snapshot: (work) => it.store.snapshot(work),
        write: (work) =>
          it.store.write(async (tx) => {
            const outcome = await work(tx);
            expect(outcome).toMatchObject({ ok: true });
            throw new Error('power cut');
          }),
      },
    });
    const operation = signed(VALIDATOR, 2, action);
    await expect(failing.submit(operation)).rejects.toThrow('power cut');
    expect(await everything(it)).toEqual(before);
    // And it may be done afterwards, also by a node that was started again.
    const again = await fresh(it.path);
    expect(await again.spending.submit(operation)).toMatchObject({ ok: true });
  });

  const everything = async ({ store: { db } }: TestSpending) => ({
    balances: await db.selectFrom('balances').selectAll().orderBy('account').execute(),
    holds: await db.selectFrom('holds').selectAll().execute(),
    operations: await db.selectFrom('operations').selectAll().execute(),
    parties: await db.selectFrom('operation_parties').selectAll().execute(),
  });
});

describe('holds and the close of epochs', () => {
  it('go back at the close of their last epoch, and the header says so', async () => {
    const it = await fresh();
    const start = await spendableOf(it, VALIDATOR);
    await act(it, VALIDATOR, hold(bob, 7n * M, 2));
    await act(it, VALIDATOR, hold(bob, 5n * M, 3));
    const [name, longer] = [holdNameOf(VALIDATOR, 1), holdNameOf(VALIDATOR, 2)];
    await it.ledger.closeEpoch();
    expect(await it.spending.account(VALIDATOR.id)).toMatchObject({ onHold: 12n * M });
    expect(await it.spending.account(bob.id)).toMatchObject({
      payable: [
        { hold: name, account: VALIDATOR.id, amount: 7n * M, openedEpoch: 1, expiresEpoch: 2, ended: null },
        { hold: longer, expiresEpoch: 3 },
      ],
    });
    await it.ledger.closeEpoch();
    expect(await it.spending.account(VALIDATOR.id)).toMatchObject({
      onHold: 5n * M,
      spendable: start - 5n * M,
    });
    expect(await it.spending.hold(name)).toMatchObject({ ended: { epoch: 2, paid: 0n } });
    const { balances, totalIssued } = await headerOf(it, 2);
    expect(balances.sum).toBe(totalIssued);
    // Too late by an epoch; the other one in time.
    expect(await it.spending.submit(signed(bob, 1, pay(name, [bob, M])))).toMatchObject({
      code: 'NO_SUCH_HOLD',
    });
    expect(await it.spending.submit(signed(bob, 1, pay(longer, [bob, M])))).toMatchObject({ ok: true });
    expect(await it.spending.hold(longer)).toMatchObject({ ended: { epoch: 3, paid: M } });
    await it.ledger.closeEpoch();
    expect(await it.spending.account(VALIDATOR.id)).toMatchObject({ onHold: 0n, spendable: start - M });
    expect(await spendableOf(it, bob)).toBe(M);
  });

  it('stand in the tree of balances while they are open', async () => {
    const [first, second] = [await fresh(), await fresh()];
    await act(first, VALIDATOR, hold(bob, 7n * M, 5));
    for (const it of [first, second]) await it.ledger.closeEpoch();
    const [held, free] = [await headerOf(first, 1), await headerOf(second, 1)];
    expect(held.balances.sum).toBe(free.balances.sum);
    expect(held.balances.hash).not.toEqual(free.balances.hash);
    expect(held.operationsDigest).not.toEqual(free.operationsDigest);
  });
});

describe('the log of an account', () => {
  it('has what it signed and what concerns it, in pages', async () => {
    const it = await fresh();
    await act(it, VALIDATOR, transfer(bob, 9n * M));
    await act(it, VALIDATOR, hold(bob, 9n * M, 9));
    await act(it, bob, pay(holdNameOf(VALIDATOR, 2), [carol, M]));
    await act(it, bob, transfer(VALIDATOR, M));
    const types = async ({ id }: typeof bob): Promise<string[]> => {
      const found: string[] = [];
      for (let after = 0, more = true; more;) {
        const page = await it.spending.operations(id, after, 2);
        for (const { payload } of page.operations) {
          const operation = readOperation(payload);
          found.push(operation.ok ? operation.value.action.type : operation.code);
        }
        ({ next: after, more } = page);
      }
      return found;
    };
    expect(await types(VALIDATOR)).toEqual(['transfer', 'hold', 'pay', 'transfer']);
    expect(await types(bob)).toEqual(['transfer', 'hold', 'pay', 'transfer']);
    expect(await types(carol)).toEqual(['pay']);
    expect(await types(alice)).toEqual([]);
    const { operations } = await it.spending.operations(carol.id, 0, 10_000);
    expect(operations.map(operationHash)).toHaveLength(1);
  });

  it('gives no page larger than it may be', async () => {
    const it = await fresh();
    for (let n = 1; n <= MAX_OPERATIONS_PER_PAGE + 1; n++)
      await it.spending.submit(signed(VALIDATOR, n, transfer(bob, M)));
    const page = await it.spending.operations(bob.id, 0, 10_000);
    expect([page.operations.length, page.more]).toEqual([MAX_OPERATIONS_PER_PAGE, true]);
  });
});
