import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountOf, type Account } from './account.ts';
import { toHex } from './bytes.ts';
import { MAX_HOLD_EPOCHS, MAX_OPEN_HOLDS, MIN_AMOUNT } from './limits.ts';
import { holdName, signOperation, type Action, type Operation } from './operation.ts';
import {
  applyOperation,
  carryOut,
  emptySpending,
  replayOperations,
  takeExpiredHolds,
  type SpendingState,
} from './spending.ts';

const subnet = new Uint8Array(32).fill(1);
const [alice, bob, carol] = [accountOf(fill(2)), accountOf(fill(3)), accountOf(fill(4))];
const M = MIN_AMOUNT;

function fill(n: number): Uint8Array {
  return new Uint8Array(32).fill(n);
}

/** Alice may spend 100 · M and has 900 · M in escrow. */
function start(): SpendingState {
  const state = emptySpending();
  state.holdings.set(alice.id, { spendable: 100n * M, escrow: 900n * M, onHold: 0n });
  return state;
}

const by = ({ publicKey }: Account, nonce: number, action: Action, notAfterEpoch = 9): Operation => ({
  subnet,
  account: publicKey,
  nonce,
  notAfterEpoch,
  action,
});
const transfer = (to: Account, amount: bigint): Action => ({ type: 'transfer', to: to.publicKey, amount });
const hold = (payee: Account, amount: bigint, expiresEpoch = 6): Action => ({
  type: 'hold',
  payee: payee.publicKey,
  amount,
  expiresEpoch,
});
const pay = (name: Uint8Array, ...to: [Account, bigint][]): Action => ({
  type: 'pay',
  hold: name,
  to: to.map(([{ publicKey }, amount]) => ({ account: publicKey, amount })),
});

const at = (epoch: number) => ({ subnet, epoch });
const codeOf = (state: SpendingState, operation: Operation, epoch = 5): string => {
  const applied = applyOperation(state, operation, at(epoch));
  return applied.ok ? 'ok' : applied.code;
};
function done(state: SpendingState, operation: Operation, epoch = 5): void {
  const applied = applyOperation(state, operation, at(epoch));
  if (!applied.ok) throw new Error(applied.message);
  carryOut(state, applied.value);
}
const parts = (state: SpendingState, { id }: Account): [bigint, bigint] => {
  const { spendable = 0n, onHold = 0n } = state.holdings.get(id) ?? {};
  return [spendable / M, onHold / M];
};

describe('a transfer', () => {
  it('moves what may be spent, down to nothing, also to somebody new', () => {
    const state = start();
    done(state, by(alice, 1, transfer(bob, 60n * M)));
    done(state, by(bob, 1, transfer(carol, 60n * M)));
    done(state, by(alice, 2, transfer(carol, 40n * M)));
    expect([alice, bob, carol].map((who) => parts(state, who))).toEqual([
      [0n, 0n],
      [0n, 0n],
      [100n, 0n],
    ]);
    expect(state.holdings.get(alice.id)?.escrow).toBe(900n * M);
  });

  it.each<[string, string, Operation]>([
    ['more than there is, whatever is in escrow', 'INSUFFICIENT', by(alice, 1, transfer(bob, 100n * M + 1n))],
    ['the most there can be', 'INSUFFICIENT', by(alice, 1, transfer(bob, 2n ** 64n - 1n))],
    ['from an account that nobody knows', 'INSUFFICIENT', by(bob, 1, transfer(alice, M))],
    ['nothing', 'TOO_SMALL', by(alice, 1, transfer(bob, 0n))],
    ['a crumb', 'TOO_SMALL', by(alice, 1, transfer(bob, M - 1n))],
    ['to oneself', 'TO_SELF', by(alice, 1, transfer(alice, M))],
    ['of another subnet', 'WRONG_SUBNET', { ...by(alice, 1, transfer(bob, M)), subnet: fill(9) }],
    ['out of turn', 'NONCE_AHEAD', by(alice, 2, transfer(bob, M))],
    ['that is too late', 'EXPIRED', by(alice, 1, transfer(bob, M), 4)],
  ])('is refused: %s', (_, code, operation) => {
    const state = start();
    expect(codeOf(state, operation)).toBe(code);
    expect(state).toEqual(start());
  });

  it('is done once: its number is used', () => {
    const state = start();
    const once = by(alice, 1, transfer(bob, M));
    done(state, once);
    expect(codeOf(state, once)).toBe('NONCE_USED');
    expect(codeOf(state, by(alice, 1, transfer(carol, M)))).toBe('NONCE_USED');
    expect(codeOf(state, by(alice, 2, transfer(carol, M)))).toBe('ok');
    expect(codeOf(state, by(alice, 2, transfer(carol, M), 5))).toBe('ok');
  });
});

describe('a hold', () => {
  const opened = (amount = 30n): { state: SpendingState; name: Uint8Array } => {
    const state = start();
    const operation = by(alice, 1, hold(bob, amount * M));
    done(state, operation);
    return { state, name: holdName(operation) };
  };

  it('sets credits aside, which nobody can spend', () => {
    const { state, name } = opened();
    expect(parts(state, alice)).toEqual([70n, 30n]);
    expect(state.holds.get(toHex(name))).toEqual({
      account: alice.id,
      payee: bob.id,
      amount: 30n * M,
      expiresEpoch: 6,
    });
    expect(codeOf(state, by(alice, 2, transfer(carol, 71n * M)))).toBe('INSUFFICIENT');
    expect(codeOf(state, by(alice, 2, hold(carol, 71n * M)))).toBe('INSUFFICIENT');
    expect(codeOf(state, by(bob, 1, transfer(carol, M)))).toBe('INSUFFICIENT');
  });

  it('is paid by its payee, to whom it says, and the rest goes back', () => {
    const { state, name } = opened();
    done(state, by(bob, 1, pay(name, [bob, 4n * M], [carol, 20n * M])));
    expect([alice, bob, carol].map((who) => parts(state, who))).toEqual([
      [76n, 0n],
      [4n, 0n],
      [20n, 0n],
    ]);
    expect([state.holds.size, state.openHolds.size]).toEqual([0, 0]);
    expect(codeOf(state, by(bob, 2, pay(name)))).toBe('NO_SUCH_HOLD');
  });

  it('may go to its holder, whole, and may be cancelled', () => {
    const whole = opened();
    done(whole.state, by(bob, 1, pay(whole.name, [alice, 30n * M])));
    expect(parts(whole.state, alice)).toEqual([100n, 0n]);
    const cancelled = opened();
    done(cancelled.state, by(bob, 1, pay(cancelled.name)));
    expect(parts(cancelled.state, alice)).toEqual([100n, 0n]);
  });

  it('may be for oneself', () => {
    const state = start();
    const operation = by(alice, 1, hold(alice, M));
    done(state, operation);
    done(state, by(alice, 2, pay(holdName(operation), [carol, M])));
    expect([parts(state, alice), parts(state, carol)]).toEqual([
      [99n, 0n],
      [1n, 0n],
    ]);
  });

  it.each<[string, string, (name: Uint8Array) => Operation, number?]>([
    ['by its holder', 'NOT_PAYEE', (name) => by(alice, 2, pay(name))],
    ['by somebody else', 'NOT_PAYEE', (name) => by(carol, 1, pay(name, [carol, M]))],
    ['more than it is', 'OVER_HOLD', (name) => by(bob, 1, pay(name, [bob, 30n * M], [carol, M]))],
    [
      'a sum beyond 2^64',
      'OVER_HOLD',
      (name) => by(bob, 1, pay(name, [bob, 2n ** 64n - 1n], [carol, 30n * M + 1n])),
    ],
    ['a crumb', 'TOO_SMALL', (name) => by(bob, 1, pay(name, [bob, 29n * M], [carol, M - 1n]))],
    ['another one', 'NO_SUCH_HOLD', () => by(bob, 1, pay(fill(7)))],
    ['after its last epoch', 'HOLD_EXPIRED', (name) => by(bob, 1, pay(name, [bob, M])), 7],
  ])('is not paid: %s', (_, code, operation, epoch) => {
    const { state, name } = opened();
    expect(codeOf(state, operation(name), epoch)).toBe(code);
    expect(state).toEqual(opened().state);
  });

  it('is refused when it would be over already, last too long, or be a crumb', () => {
    const state = start();
    expect(codeOf(state, by(alice, 1, hold(bob, M, 4)))).toBe('BAD_EXPIRY');
    expect(codeOf(state, by(alice, 1, hold(bob, M, 5)))).toBe('ok');
    expect(codeOf(state, by(alice, 1, hold(bob, M, 5 + MAX_HOLD_EPOCHS)))).toBe('ok');
    expect(codeOf(state, by(alice, 1, hold(bob, M, 6 + MAX_HOLD_EPOCHS)))).toBe('BAD_EXPIRY');
    expect(codeOf(state, by(alice, 1, hold(bob, M - 1n)))).toBe('TOO_SMALL');
  });

  it('is one of a limited number', () => {
    const state = start();
    state.openHolds.set(alice.id, MAX_OPEN_HOLDS - 1);
    const last = by(alice, 1, hold(bob, M));
    done(state, last);
    expect(codeOf(state, by(alice, 2, hold(bob, M)))).toBe('TOO_MANY_HOLDS');
    done(state, by(bob, 1, pay(holdName(last))));
    expect(codeOf(state, by(alice, 2, hold(bob, M)))).toBe('ok');
  });

  it('is taken out at the close of its last epoch, and not before', () => {
    const { state, name } = opened();
    expect(takeExpiredHolds(state, 5)).toEqual([]);
    expect(takeExpiredHolds(state, 6)).toEqual([{ hold: toHex(name), account: alice.id, amount: 30n * M }]);
    expect([state.holds.size, state.openHolds.size]).toEqual([0, 0]);
    expect(codeOf(state, by(bob, 1, pay(name, [bob, M])), 6)).toBe('NO_SUCH_HOLD');
  });
});

describe('carryOut', () => {
  it('throws where a state does not belong to the effects', () => {
    const applied = applyOperation(start(), by(alice, 1, transfer(bob, M)), at(5));
    if (!applied.ok) throw new Error(applied.message);
    expect(() => carryOut(emptySpending(), applied.value)).toThrow(/would have -100000/);
  });
});

describe('replayOperations', () => {
  const log = [
    signOperation(by(alice, 1, transfer(bob, 10n * M)), alice.seed),
    signOperation(by(bob, 1, transfer(carol, 10n * M)), bob.seed),
    signOperation(by(alice, 2, transfer(bob, 10n * M)), alice.seed),
  ];

  it('does them in order', () => {
    const state = start();
    expect(replayOperations(state, log, at(5))).toEqual({ ok: true, value: undefined });
    expect([alice, bob, carol].map((who) => parts(state, who)[0])).toEqual([80n, 10n, 10n]);
  });

  it('names the first that is not as it should be', () => {
    const [first, second, third] = log as [never, never, (typeof log)[number]];
    const replay = (operations: typeof log) => replayOperations(start(), operations, at(5));
    expect(replay([second, first, third])).toMatchObject({
      code: 'INSUFFICIENT',
      message: expect.stringMatching(/operation 1 of/) as string,
    });
    expect(replay([first, second, first])).toMatchObject({
      code: 'NONCE_USED',
      message: expect.stringMatching(/operation 3 of epoch 5/) as string,
    });
    expect(replay([first, third, second])).toMatchObject({ ok: true });
    const forged = { ...third, signature: new Uint8Array(64) };
    expect(replay([first, second, forged])).toMatchObject({
      code: 'BAD_SIGNATURE',
      message: expect.stringMatching(/operation 3/) as string,
    });
  });
});

describe('whatever is tried', () => {
  const everybody = [alice, bob, carol];
  const who = fc.constantFrom(...everybody);
  const amount = fc.oneof(
    { weight: 9, arbitrary: fc.bigInt({ min: 0n, max: 60n }).map((n) => n * M) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  );
  type Act = (names: Uint8Array[], epoch: number) => Action;
  type Attempt = { from: Account; skip: number; action: Act } | 'close';
  const action: fc.Arbitrary<Act> = fc.oneof(
    fc.tuple(who, amount).map(
      ([to, n]) =>
        () =>
          transfer(to, n),
    ),
    fc.tuple(who, amount, fc.nat(3)).map(
      ([to, n, epochs]): Act =>
        (_, epoch) =>
          hold(to, n, epoch + epochs),
    ),
    fc.tuple(fc.nat(), fc.uniqueArray(fc.tuple(who, amount), { selector: ([{ id }]) => id })).map(
      ([at, to]): Act =>
        (names) =>
          pay(names[at % Math.max(1, names.length)] ?? fill(9), ...to),
    ),
  );
  const attempt: fc.Arbitrary<Attempt> = fc.oneof(
    { weight: 9, arbitrary: fc.record({ from: who, skip: fc.constantFrom(0, 0, 0, 0, -1, 1), action }) },
    { weight: 1, arbitrary: fc.constant('close' as const) },
  );
  const total = (state: SpendingState): bigint =>
    [...state.holdings.values()].reduce((sum, all) => sum + all.spendable + all.escrow + all.onHold, 0n);

  it('no base unit is made or lost, nobody owes, no number is used twice', () => {
    let accepted = 0;
    let ended = 0;
    fc.assert(
      fc.property(fc.array(attempt, { minLength: 30, maxLength: 80 }), (attempts) => {
        const state = start();
        state.holdings.set(bob.id, { spendable: 50n * M, escrow: 0n, onHold: 0n });
        const before = total(state);
        const names: Uint8Array[] = [];
        const used: string[] = [];
        let epoch = 0;
        for (const each of attempts) {
          if (each === 'close') {
            // What the block of the epoch does.
            for (const { account, amount } of takeExpiredHolds(state, epoch++)) {
              const has = state.holdings.get(account) ?? { spendable: 0n, escrow: 0n, onHold: 0n };
              const [spendable, onHold] = [has.spendable + amount, has.onHold - amount];
              state.holdings.set(account, { ...has, spendable, onHold });
            }
          } else {
            const nonce = (state.nonces.get(each.from.id) ?? 0) + 1 + each.skip;
            const operation = by(each.from, nonce, each.action(names, epoch));
            const applied = applyOperation(state, operation, at(epoch));
            if (!applied.ok) continue;
            used.push(`${each.from.id} ${nonce}`);
            carryOut(state, applied.value);
            accepted++;
            if (applied.value.opened !== null) names.push(holdName(operation));
            if (applied.value.ended !== null) ended++;
          }
          expect(total(state)).toBe(before);
          for (const { id } of everybody) {
            const { spendable = 0n, onHold = 0n } = state.holdings.get(id) ?? {};
            expect(spendable >= 0n && onHold >= 0n).toBe(true);
            const open = [...state.holds.values()].filter(({ account }) => account === id);
            expect(open.reduce((sum, { amount }) => sum + amount, 0n)).toBe(onHold);
            expect(state.openHolds.get(id) ?? 0).toBe(open.length);
          }
        }
        expect(new Set(used).size).toBe(used.length);
      }),
      { numRuns: 200 },
    );
    // The test is worth nothing where nothing is done.
    expect([accepted > 500, ended > 10]).toEqual([true, true]);
  });
});
