import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Account } from '../../protocol/account.ts';
import type { Action } from '../../protocol/operation.ts';
import {
  emptySpending,
  replayOperations,
  takeExpiredHolds,
  type SpendingState,
} from '../../protocol/spending.ts';
import { readSpendable } from '../ledger/holdings.ts';
import { SUBNET } from '../testing/ledger.ts';
import {
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

const everybody = [VALIDATOR, partyOf(2), partyOf(3)];
const who = fc.constantFrom(...everybody);
const amount = fc.bigInt({ min: 0n, max: 60n }).map((n) => n * M);
type Attempt =
  { from: Account; skip: number; action: (epoch: number, names: readonly string[]) => Action } | 'close';

const action: fc.Arbitrary<(epoch: number, names: readonly string[]) => Action> = fc.oneof(
  fc.tuple(who, amount).map(
    ([to, n]) =>
      () =>
        transfer(to, n),
  ),
  fc.tuple(who, amount, fc.nat(2)).map(
    ([to, n, epochs]) =>
      (epoch: number) =>
        hold(to, n, epoch + epochs),
  ),
  fc.tuple(fc.nat(), who, amount).map(
    ([at, to, n]) =>
      (_: number, names: readonly string[]) =>
        pay(names[at % Math.max(1, names.length)] ?? '09'.repeat(32), [to, n]),
  ),
);
const attempt: fc.Arbitrary<Attempt> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ from: who, skip: fc.constantFrom(0, 0, 0, 0, 0, -1, 1), action }) },
  { weight: 1, arbitrary: fc.constant('close' as const) },
);

/** What operations are held against, as the ledger has it before any of them. */
async function stateOf({ store }: TestSpending): Promise<SpendingState> {
  return { ...emptySpending(), holdings: await readSpendable(store.db) };
}

/** The ledger's operations of an epoch, and then its close, done again on the maps alone. */
async function replayEpoch({ store }: TestSpending, state: SpendingState, epoch: number): Promise<void> {
  const log = await store.db
    .selectFrom('operations')
    .select(['payload', 'signature'])
    .where('epoch', '=', epoch)
    .orderBy('id')
    .execute();
  expect(replayOperations(state, log, { subnet: SUBNET, epoch })).toEqual({ ok: true, value: undefined });
  for (const { account, amount } of takeExpiredHolds(state, epoch)) {
    const has = state.holdings.get(account) ?? { spendable: 0n, escrow: 0n, onHold: 0n };
    state.holdings.set(account, { ...has, spendable: has.spendable + amount, onHold: has.onHold - amount });
  }
}

const nonZero = (holdings: SpendingState['holdings']) =>
  [...holdings]
    .filter(([, { spendable, onHold }]) => spendable + onHold > 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1));

it(
  'whatever is tried, the ledger has what a replay of its log has, and owns what it owned',
  { timeout: 60_000 },
  async () => {
    let [accepted, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(attempt, { minLength: 10, maxLength: 40 }), async (attempts) => {
        const it = await openTestSpending();
        try {
          const first = it.ledger.current.epoch;
          const start = await owned(it);
          const state = await stateOf(it);
          for (const [i, party] of everybody.slice(1).entries())
            await it.spending.submit(signed(VALIDATOR, i + 1, transfer(party, 40n * M)));
          const names: string[] = [];
          for (const each of attempts) {
            if (each === 'close') await it.ledger.closeEpoch();
            else {
              const { epoch } = it.ledger.current;
              const nonce = Math.max(1, (await it.spending.account(each.from.id)).nextNonce + each.skip);
              const done = await it.spending.submit(signed(each.from, nonce, each.action(epoch, names)));
              if (done.ok) accepted++;
              else refused++;
              if (done.ok && done.value.hold !== null) names.push(holdNameOf(each.from, nonce));
            }
          }
          await it.ledger.closeEpoch();
          for (let epoch = first; epoch < it.ledger.current.epoch; epoch++)
            await replayEpoch(it, state, epoch);
          expect(nonZero(state.holdings)).toEqual(nonZero(await readSpendable(it.store.db)));
          expect(await owned(it)).toBe(start);
        } finally {
          await it.close();
        }
      }),
      { numRuns: 15 },
    );
    expect([accepted > 30, refused > 30]).toEqual([true, true]);
  },
);
