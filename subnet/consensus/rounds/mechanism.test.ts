import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../protocol/bytes.ts';
import { encodeCbor } from '../../../protocol/cbor.ts';
import { weightsFromScores } from '../../../protocol/vote.ts';
import { SHARE_ONE, singleValidatorConsensus, type MechanismShares } from '../consensus.ts';
import { YUMA_RULES } from '../yuma/rules.ts';
import type { Row } from './contradiction.ts';
import { EMPTY_STATE, nextShares, type MechanismRound, type MechanismState } from './mechanism.ts';
import type { Scores } from './reference.ts';
import { account, at, scoresOf, seatsOf } from './round.fixture.ts';
import { encodeState } from './state-bytes.ts';

const rowOf = (weights: ReadonlyMap<string, number>): Row => ({
  accounts: [...weights.keys()].sort(),
  weights: Uint16Array.from([...weights.keys()].sort(), (name) => weights.get(name) ?? 0),
});

/** Everybody votes what was verified, but for whom `rows` says otherwise (null: has no voice). */
function roundOf(
  epoch: number,
  stakes: readonly number[],
  reference: Scores,
  rows: Record<number, ReadonlyMap<string, number> | null> = {},
): MechanismRound {
  const votes = stakes.flatMap((_, i) => {
    const weights = rows[i] === undefined ? weightsFromScores(reference) : rows[i];
    return weights === null ? [] : [[at(i).peer, rowOf(weights)] as const];
  });
  return { epoch, seats: seatsOf(stakes), rows: new Map(votes), reference, rules: YUMA_RULES };
}

const run = (rounds: readonly MechanismRound[]): { shares: MechanismShares | null; state: MechanismState } =>
  rounds.reduce<{ shares: MechanismShares | null; state: MechanismState }>(
    ({ state }, round) => nextShares(state, round),
    { shares: null, state: EMPTY_STATE },
  );

const works = fc.dictionary(fc.nat(20).map(String), fc.bigInt({ min: 1n, max: 1n << 60n }), {
  minKeys: 1,
  maxKeys: 12,
});
/** What rounding down to whole weights can move: a unit of each account, of a sum of 65,535 at least. */
const QUANTUM = Number(SHARE_ONE) / 65_535;

describe('shares of a mechanism', () => {
  it('of one validator are those of its word, but for the rounding of weights', () => {
    fc.assert(
      fc.property(works, fc.integer({ min: 1, max: 3 }), (work, epochs) => {
        const reference: Scores = scoresOf(work);
        const { shares } = run(Array.from({ length: epochs }, (_, i) => roundOf(i + 1, [5], reference)));
        const paid = account(1_000);
        const word = singleValidatorConsensus([{ validator: paid, stake: 5n, work: reference }]);
        expect(shares?.validators).toEqual(word?.validators);
        for (const [name, share] of word?.miners ?? []) {
          const difference = Number((shares?.miners.get(name) ?? 0n) - share);
          expect(Math.abs(difference)).toBeLessThanOrEqual((reference.size + 1) * QUANTUM);
        }
        const sum = [...(shares?.miners.values() ?? [])].reduce((a, b) => a + b, 0n);
        expect(sum).toBeLessThanOrEqual(SHARE_ONE);
        expect(sum).toBeGreaterThan(SHARE_ONE - BigInt(reference.size + 1));
      }),
    );
  });

  it('do not depend on the order of seats, rows or accounts', () => {
    fc.assert(
      fc.property(works, fc.nat(7), (work, turn) => {
        const reference = scoresOf(work);
        const rounds = [roundOf(1, [5, 3, 2], reference), roundOf(2, [5, 3, 2], reference, { 1: null })];
        const turned = <T>(list: Iterable<T>): T[] =>
          [...list].slice(turn % 3).concat([...list].slice(0, turn % 3));
        const others = rounds.map((round) => ({
          ...round,
          seats: turned(round.seats),
          rows: new Map(turned(round.rows)),
          reference: new Map(turned(round.reference)),
        }));
        expect(run(others)).toEqual(run(rounds));
      }),
    );
  });

  it('pay an account the same that has its work on two accounts, but for rounding, and never more than that', () => {
    fc.assert(
      fc.property(
        works,
        fc.bigInt({ min: 0n, max: 1n << 60n }),
        fc.bigInt({ min: 1n, max: 1n << 60n }),
        (work, one, two) => {
          const share = (parts: Record<number, bigint>): bigint => {
            const { shares } = run(
              [1, 2].map((epoch) => roundOf(epoch, [3, 2, 2], scoresOf({ ...work, ...parts }))),
            );
            return Object.keys(parts).reduce(
              (sum, n) => sum + (shares?.miners.get(account(Number(n))) ?? 0n),
              0n,
            );
          };
          const [whole, cut] = [share({ 50: one + two }), share({ 50: one, 51: two })];
          // Never more, but for the last bits of sums, and the others' rounding where the account sets the scale.
          const isLargest = Object.values(work).every((other) => other < one + two);
          expect(Number(cut - whole)).toBeLessThanOrEqual(isLargest ? 14 * QUANTUM : 256);
          expect(Number(whole - cut)).toBeLessThanOrEqual(2 * 14 * QUANTUM);
        },
      ),
    );
  });

  it('are none without a vote, and none without verified work: whatever is voted', () => {
    const reference = scoresOf({ 1: 5n });
    const { shares, state } = run([
      roundOf(1, [1, 1], reference),
      roundOf(2, [1, 1], reference, { 0: null, 1: null }),
    ]);
    expect(shares).toBeNull();
    expect(state.accounts).toEqual([account(1)]);
    const idle = roundOf(2, [1, 1], new Map(), { 0: new Map([[account(1), 65_535]]) });
    expect(nextShares(state, idle).shares).toBeNull();
  });

  it('of validators go to their accounts, added up where several have one', () => {
    const round = roundOf(1, [5, 3, 2], scoresOf({ 1: 5n, 2: 3n }));
    const apart = nextShares(EMPTY_STATE, round).shares;
    const shared = round.seats.map((seat, i) => ({ ...seat, account: account(i === 1 ? 1_001 : 1_000) }));
    const together = nextShares(EMPTY_STATE, { ...round, seats: shared }).shares;
    expect(together?.validators.size).toBe(2);
    expect(together?.validators.get(account(1_000))).toBe(
      (apart?.validators.get(account(1_000)) ?? 0n) + (apart?.validators.get(account(1_002)) ?? 0n),
    );
    expect(together?.miners).toEqual(apart?.miners);
    expect([...(together?.validators.keys() ?? [])]).toEqual([account(1_000), account(1_001)].sort());
  });

  it('are not computed of seats that are given twice', () => {
    const round = roundOf(1, [5, 3], scoresOf({ 1: 5n }));
    expect(() => nextShares(EMPTY_STATE, { ...round, seats: [...round.seats, ...round.seats] })).toThrow(
      RangeError,
    );
  });
});

// Recorded once: whoever gets other bits commits to another state and pays other money.
it('some epochs have the bits that were recorded, on every machine', () => {
  const rounds = [1, 2, 3, 4, 5].map((epoch) => {
    const worked = [1, 2, 3, 4, 5, 6, 7].filter((n) => (n * epoch) % 5 !== 0);
    const reference = scoresOf(
      Object.fromEntries(worked.map((n) => [n, BigInt(1 + ((n * 7919 + epoch * 104_729) % 1_000))])),
    );
    return roundOf(epoch, [5, 3, 2], reference, epoch === 4 ? { 1: null } : {});
  });
  const { shares, state } = run(rounds);
  expect(sha256Hex(encodeState(state))).toBe(
    '135a9e9d7aa355ed87fa757a904a669133ff3b4db28d9786f9fae0c4c5b994e9',
  );
  expect(sha256Hex(encodeCbor([...(shares?.miners ?? []), ...(shares?.validators ?? [])]))).toBe(
    '76be8b528d0075f7aae98d6fa57a6d3c83ae480a8469e668d7b0af968995ac71',
  );
});

describe('who has a voice', () => {
  const reference = scoresOf({ 1: 6n, 2: 2n });

  it('is who has a row: the others’ stake decides nothing and earns nothing', () => {
    const round = roundOf(1, [60, 30, 10], reference, { 0: null });
    const { shares } = nextShares(EMPTY_STATE, round);
    expect(shares?.validators.get(account(1_000))).toBeUndefined();
    expect(Number(shares?.validators.get(account(1_001))) / Number(SHARE_ONE)).toBeCloseTo(0.75, 12);
    expect(Number(shares?.miners.get(account(1))) / Number(SHARE_ONE)).toBeCloseTo(0.75, 4);
  });

  it('is nobody without a seat, and nobody for its own account', () => {
    const round = roundOf(1, [2, 2], reference);
    const stranger = new Map([...round.rows, [at(5).peer, rowOf(new Map([[account(1), 65_535]]))]]);
    expect(nextShares(EMPTY_STATE, { ...round, rows: stranger })).toEqual(nextShares(EMPTY_STATE, round));
    // The first validator's own account has work: only the second's vote on it counts, and it is half of the stake.
    const own = scoresOf({ 1_000: 5n, 2: 5n });
    const alone = roundOf(1, [2, 1], own);
    expect(nextShares(EMPTY_STATE, alone).shares?.miners.get(account(1_000))).toBeUndefined();
    expect(
      nextShares(EMPTY_STATE, roundOf(1, [1, 1], own)).shares?.miners.get(account(1_000)),
    ).toBeGreaterThan(0n);
  });
});

describe('what is carried over', () => {
  const bond = ({ accounts, validators, bonds }: MechanismState, name: string, validator: string): number => {
    const j = accounts.indexOf(name);
    for (let k = bonds.start[j] ?? 0; k < (bonds.start[j + 1] ?? 0); k++) {
      if (validators[bonds.row[k] ?? 0] === validator) return bonds.value[k] ?? 0;
    }
    return 0;
  };

  it('bonds follow their account and their validator while others come and go', () => {
    const first = nextShares(EMPTY_STATE, roundOf(1, [3, 3, 3], scoresOf({ 1: 4n, 2: 4n }))).state;
    expect(bond(first, account(2), at(1).peer)).toBeCloseTo(0.05, 4);
    // The first validator goes, a fourth comes; account 1 rests, account 3 is new and takes half of the work.
    const seats = seatsOf([3, 3, 3, 3]).slice(1);
    const round = { ...roundOf(2, [3, 3, 3, 3], scoresOf({ 2: 4n, 3: 4n })), seats };
    const { state } = nextShares(first, round);
    expect(state.validators).toEqual(seats.map(({ validator }) => validator));
    expect(bond(state, account(1), at(1).peer)).toBeCloseTo(0.045, 4);
    expect(bond(state, account(2), at(1).peer)).toBeCloseTo(0.095, 4);
    expect(bond(state, account(2), at(3).peer)).toBeCloseTo(0.05, 4);
    expect(bond(state, account(3), at(1).peer)).toBeCloseTo(0.05, 4);
  });

  it('bonds follow their validator also where all accounts stay', () => {
    const reference = scoresOf({ 1: 4n, 2: 4n });
    const first = nextShares(EMPTY_STATE, roundOf(1, [3, 3, 3], reference, { 1: null })).state;
    const { seats } = roundOf(2, [3, 3, 3], reference);
    const idle = { ...roundOf(2, [3, 3, 3], reference), seats: seats.slice(1), rows: new Map() };
    const { state } = nextShares(first, idle);
    expect(bond(state, account(1), at(1).peer)).toBe(0);
    expect(bond(state, account(1), at(2).peer)).toBeCloseTo(0.045, 4);
  });

  it('a validator without a voice keeps its bonds, less a tenth', () => {
    const reference = scoresOf({ 1: 4n, 2: 4n });
    const { state } = run([roundOf(1, [3, 3], reference), roundOf(2, [3, 3], reference, { 0: null })]);
    expect(bond(state, account(1), at(0).peer)).toBeCloseTo(0.045, 4);
    expect(bond(state, account(1), at(1).peer)).toBeCloseTo(0.095, 4);
  });

  it('an account without work for 20 epochs is forgotten with its bonds, not one epoch sooner', () => {
    const both = scoresOf({ 1: 4n, 2: 4n });
    const rest = Array.from({ length: 20 }, (_, i) => roundOf(i + 2, [3, 3], scoresOf({ 1: 4n })));
    const before = run([roundOf(1, [3, 3], both), ...rest.slice(0, -1)]).state;
    expect(before.accounts).toContain(account(2));
    expect(bond(before, account(2), at(0).peer)).toBeGreaterThan(0);
    const { state } = run([roundOf(1, [3, 3], both), ...rest]);
    expect(state.accounts).toEqual([account(1)]);
    expect(state.bonds.start).toEqual(Uint32Array.of(0, 2));
    // Who comes back starts anew; work in between starts the count again.
    const back = nextShares(state, roundOf(22, [3, 3], both)).state;
    expect(bond(back, account(2), at(0).peer)).toBeCloseTo(0.05, 4);
    const again = run([roundOf(1, [3, 3], both), roundOf(2, [3, 3], both), ...rest.slice(1)]).state;
    expect(again.accounts).toContain(account(2));
  });

  it('a vote on who is no column counts for nothing', () => {
    const reference = scoresOf({ 1: 4n });
    const astray = new Map([
      [account(1), 65_535],
      [account(9), 65_535],
    ]);
    const one = run([roundOf(1, [3, 3], reference, { 0: astray, 1: astray })]);
    expect(one).toEqual(run([roundOf(1, [3, 3], reference)]));
  });
});
