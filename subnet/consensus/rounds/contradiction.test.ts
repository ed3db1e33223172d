import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_VOTE_ACCOUNTS } from '../../../protocol/limits.ts';
import { MAX_WEIGHT, voteRows, weightsFromScores } from '../../../protocol/vote.ts';
import { readRow, type Contradiction } from './contradiction.ts';
import { referenceOf, type Scores } from './reference.ts';
import { account, scoresOf } from './round.fixture.ts';

function held(weights: ReadonlyMap<string, number>, scores: Scores): Contradiction | null {
  const [row] = voteRows(new Map([['hash', weights]]));
  if (row === undefined) throw new Error('no weights');
  return readRow(row, referenceOf(scores)).contradiction;
}
const weightsOf = (weights: Record<number, number>): Map<string, number> =>
  new Map(Object.entries(weights).map(([n, weight]) => [account(Number(n)), weight]));

/** The i-th account in ascending order. */
const nth = (i: number): string => i.toString(16).padStart(64, '0');
const FIRST = nth(0);
/** As many accounts as a row may have: one with 1,000 steps of a weight for each unit, and all others with this work. */
const dust = (work: bigint): Scores =>
  new Map(
    Array.from({ length: MAX_VOTE_ACCOUNTS }, (_, i) => [
      nth(i),
      i === 0 ? BigInt(MAX_WEIGHT) * 1_000n : work,
    ]),
  );

describe('a row beside the verified work', () => {
  // Parts of 1 / 100 each: 65,535 stands for 50 of them.
  const scores = scoresOf({ 1: 50n, 2: 40n, 3: 10n });
  const fair = { 1: MAX_WEIGHT, 2: 52_428, 3: 13_107 };

  it('may be as the work is, or lean a little to where its validator has reasons to', () => {
    expect(held(weightsFromScores(scores), scores)).toBeNull();
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 43_690, 3: 15_000 }), scores)).toBeNull();
  });

  it.each<[string, Record<number, number>, Contradiction['code'], number]>([
    ['pays who did nothing', { ...fair, 4: 1 }, 'UNPROVEN', 4],
    ['leaves out who worked', { 1: MAX_WEIGHT, 2: 52_428 }, 'STARVED', 3],
    ['gives too little to who worked', { 1: MAX_WEIGHT, 2: 35_000, 3: 13_107 }, 'STARVED', 2],
    ['pays one that worked too much', { 1: MAX_WEIGHT, 2: 52_428, 3: 17_500 }, 'OVERPAID', 3],
    ['names the worst', { 4: 3, 3: MAX_WEIGHT, 5: 4 }, 'OVERPAID', 3],
  ])('contradicts it when it %s', (_, weights, code, worst) => {
    expect(held(weightsOf(weights), scores)).toEqual({ code, account: account(worst) });
  });

  it('is held to 4 / 5 and to 5 / 4, to the unit', () => {
    const even = scoresOf({ 1: 1_000n, 2: 1_000n });
    // 4 / 5 of 1 / 2 is 2 / 5, which is 2 / 3 of the other's: 43,690. One unit less is rounding, two are not.
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 43_690 }), even)).toBeNull();
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 43_689 }), even)).toBeNull();
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 43_688 }), even)).toEqual({
      code: 'STARVED',
      account: account(2),
    });
    // 1 / 4 of all; 5 / 4 of it is 5 / 16, which is 5 / 11 of the other's: 29,788.6.
    const quarter = scoresOf({ 1: 3n, 2: 1n });
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 29_788 }), quarter)).toBeNull();
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 29_790 }), quarter)).toBeNull();
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 29_791 }), quarter)).toEqual({
      code: 'OVERPAID',
      account: account(2),
    });
  });

  it('may leave out who is worth one unit, and give one to anybody that worked', () => {
    const step = 1_000n;
    const big = step * BigInt(MAX_WEIGHT);
    expect(held(weightsOf({ 1: MAX_WEIGHT }), scoresOf({ 1: big, 2: 2n * step - 1n }))).toBeNull();
    expect(held(weightsOf({ 1: MAX_WEIGHT }), scoresOf({ 1: big, 2: 2n * step }))).toMatchObject({
      code: 'STARVED',
      account: account(2),
    });
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 1 }), scoresOf({ 1: big, 2: 1n }))).toBeNull();
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 2 }), scoresOf({ 1: big, 2: 1n }))).toMatchObject({
      code: 'OVERPAID',
    });
  });

  it('cannot give a unit each to so many accounts without work for a weight that it leaves the others too little', () => {
    const works = dust(1n);
    const units = (count: number): Map<string, number> =>
      new Map([...works.keys()].slice(0, count + 1).map((name, i) => [name, i === 0 ? MAX_WEIGHT : 1]));
    // Of 65,535 and a quarter of it the largest account has 4 / 5 left.
    expect(held(units(16_384), works)).toBeNull();
    expect(held(units(16_386), works)).toEqual({ code: 'STARVED', account: FIRST });
  });

  it('is read as it was given, also where it lists everybody and somebody else', () => {
    const [row] = voteRows(new Map([['hash', weightsOf({ ...fair, 4: 1 })]]));
    const read = row === undefined ? null : readRow(row, referenceOf(scores)).row;
    expect(read?.accounts).toEqual([1, 2, 3, 4].map(account).sort());
    expect(read?.weights).toHaveLength(4);
  });

  it('is never contradicted by an honest row', () => {
    const size = fc.oneof(
      fc.bigInt({ min: 1n, max: 100n }),
      fc.bigInt({ min: 1n, max: 1_000_000n }),
      fc.bigInt({ min: 1n, max: 10n ** 18n }),
    );
    const some = fc.oneof(
      fc.array(size, { minLength: 1, maxLength: 30 }),
      fc.array(size, { minLength: 1_000, maxLength: 4_000, size: 'max' }),
    );
    fc.assert(
      fc.property(some, (works) => {
        const worked = new Map(works.map((work, i) => [nth(i), work]));
        expect(held(weightsFromScores(worked), worked)).toBeNull();
      }),
    );
  });

  it('is never contradicted by an honest row, however many accounts are too small for a weight', () => {
    // The worst there is: all but one round down from just below 1 to nothing, and from just below 2 to 1.
    for (const work of [999n, 1_999n]) {
      const works = dust(work);
      expect(held(weightsFromScores(works), works)).toBeNull();
    }
  });
});
