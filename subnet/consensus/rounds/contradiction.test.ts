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

describe('a row beside the verified work', () => {
  // Parts of 1 / 100 each: 65,535 stands for 50 of them.
  const scores = scoresOf({ 1: 50n, 2: 40n, 3: 10n });
  const equal = { 1: MAX_WEIGHT, 2: MAX_WEIGHT, 3: MAX_WEIGHT };

  it('may be as the work is, or lean to where its validator has reasons to', () => {
    expect(held(weightsFromScores(scores), scores)).toBeNull();
    expect(held(weightsOf(equal), scores)).toBeNull();
  });

  it.each<[string, Record<number, number>, Contradiction['code'], number]>([
    ['pays who did nothing', { ...equal, 4: 1 }, 'UNPROVEN', 4],
    ['leaves out who worked', { 1: MAX_WEIGHT, 2: 52_428 }, 'STARVED', 3],
    ['gives too little to who worked', { 1: MAX_WEIGHT, 2: 7_000, 3: 13_107 }, 'STARVED', 2],
    ['pays one that worked too much', { 1: 30_000, 2: 30_000, 3: MAX_WEIGHT }, 'OVERPAID', 3],
    ['names the worst', { 4: 3, 3: MAX_WEIGHT, 5: 4 }, 'OVERPAID', 3],
  ])('contradicts it when it %s', (_, weights, code, worst) => {
    expect(held(weightsOf(weights), scores)).toEqual({ code, account: account(worst) });
  });

  it('is held to a quarter and to four times, to the unit', () => {
    const even = scoresOf({ 1: 1_000n, 2: 1_000n });
    // 4,369 of 69,904 is a sixteenth: exactly a quarter of a quarter.
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 4_369 }), scoresOf({ 1: 3n, 2: 1n }))).toBeNull();
    // w / (w + 65,535) against 1 / 2: a quarter of it is 1 / 8.
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 9_363 }), even)).toBeNull();
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 9_362 }), even)).toEqual({
      code: 'STARVED',
      account: account(2),
    });
    const tenth = scoresOf({ 1: 9n, 2: 1n });
    // 4 / 10 of the row: 43,690 beside 65,535, and one unit for rounding.
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 43_691 }), tenth)).toBeNull();
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 43_692 }), tenth)).toEqual({
      code: 'OVERPAID',
      account: account(2),
    });
  });

  it('may leave out whom a weight can hardly express, and give one unit to anybody that worked', () => {
    const step = 1_000n;
    const big = step * BigInt(MAX_WEIGHT);
    expect(held(weightsOf({ 1: MAX_WEIGHT }), scoresOf({ 1: big, 2: 8n * step - 1n }))).toBeNull();
    expect(held(weightsOf({ 1: MAX_WEIGHT }), scoresOf({ 1: big, 2: 8n * step }))).toMatchObject({
      code: 'STARVED',
    });
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 1 }), scoresOf({ 1: big, 2: 1n }))).toBeNull();
    expect(held(weightsOf({ 1: MAX_WEIGHT, 2: 2 }), scoresOf({ 1: big, 2: 1n }))).toMatchObject({
      code: 'OVERPAID',
    });
  });

  it('is read as it was given, also where it lists everybody and somebody else', () => {
    const [row] = voteRows(new Map([['hash', weightsOf({ ...equal, 4: 1 })]]));
    const read = row === undefined ? null : readRow(row, referenceOf(scores)).row;
    expect(read?.accounts).toEqual([1, 2, 3, 4].map(account).sort());
    expect(read?.weights).toHaveLength(4);
  });

  it('is never contradicted by an honest row', () => {
    const some = fc.array(
      fc.oneof(fc.bigInt({ min: 1n, max: 100n }), fc.bigInt({ min: 1n, max: 1n << 90n })),
      {
        minLength: 1,
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(some, (works) => {
        const worked = new Map(works.map((work, i) => [account(i), work]));
        expect(held(weightsFromScores(worked), worked)).toBeNull();
      }),
    );
  });

  it('is never contradicted by an honest row, however many accounts are too small for a weight', () => {
    // The worst there is: all but one round down from just below 1 to nothing.
    const works = new Map<string, bigint>([[account(0), BigInt(MAX_WEIGHT) * 1_000n]]);
    for (let i = 1; i < MAX_VOTE_ACCOUNTS; i++) works.set(i.toString(16).padStart(64, '0'), 999n);
    expect(held(weightsFromScores(works), works)).toBeNull();
  });
});
