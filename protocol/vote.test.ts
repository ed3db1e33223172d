import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { toHex } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import type { PeerId } from './ids.ts';
import { MAX_VOTE_ACCOUNTS, MAX_VOTE_BYTES } from './limits.ts';
import {
  decodeVote,
  encodeVote,
  MAX_WEIGHT,
  voteRows,
  voteWeights,
  weightsFromScores,
  type VotePayload,
} from './vote.ts';

const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const accounts = (...names: number[]): Uint8Array => Uint8Array.from(names.flatMap((n) => [...hash(n)]));
const weights = (...values: number[]): Uint8Array =>
  Uint8Array.from(values.flatMap((value) => [value & 255, value >> 8]));

const vote: VotePayload = {
  subnet: hash(1),
  validator: '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X' as PeerId,
  epoch: 3,
  beacon: hash(2),
  salt: hash(3),
  rows: [
    { mechanism: 'hash', accounts: accounts(4, 5), weights: weights(1, MAX_WEIGHT) },
    { mechanism: 'infer', accounts: accounts(5), weights: weights(MAX_WEIGHT) },
  ],
};

const someAccount = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex);
const someScores = fc.uniqueArray(fc.tuple(someAccount, fc.bigInt({ min: 0n, max: 1n << 80n })), {
  maxLength: 12,
  selector: ([account]) => account,
});

describe('a vote', () => {
  it('decodes to what was encoded', () => {
    expect(decodeVote(encodeVote(vote))).toEqual({ ok: true, value: vote });
  });

  const row = (changes: object): object => ({ ...vote, rows: [{ ...vote.rows[0], ...changes }] });
  it.each([
    ['accounts out of order', row({ accounts: accounts(5, 4) })],
    ['an account twice', row({ accounts: accounts(4, 4) })],
    ['half an account', row({ accounts: accounts(4, 5).subarray(0, 48) })],
    ['more accounts than weights', row({ weights: weights(MAX_WEIGHT) })],
    ['more weights than accounts', row({ weights: weights(1, MAX_WEIGHT, 1) })],
    ['a weight of 0', row({ weights: weights(0, MAX_WEIGHT) })],
    ['a row that is not scaled up', row({ weights: weights(1, MAX_WEIGHT - 1) })],
    ['a row without accounts', row({ accounts: accounts(), weights: weights() })],
    ['mechanisms out of order', { ...vote, rows: vote.rows.toReversed() }],
    ['a mechanism twice', { ...vote, rows: [vote.rows[0], vote.rows[0]] }],
    ['a short salt', { ...vote, salt: hash(3).subarray(1) }],
    ['a validator that is none', { ...vote, validator: 'nobody' }],
    ['an epoch below 0', { ...vote, epoch: -1 }],
    ['another field', { ...vote, note: '' }],
    ['nothing', null],
  ])('is not read with %s, nor made', (_, changed) => {
    expect(decodeVote(encodeCbor(changed))).toMatchObject({ ok: false, code: 'MALFORMED' });
    expect(() => encodeVote(changed as VotePayload)).toThrow(v.ValiError);
  });

  it('may weigh a hundred thousand accounts in each of three mechanisms, not more bytes than that', () => {
    const many = new Uint8Array(32 * MAX_VOTE_ACCOUNTS);
    const view = new DataView(many.buffer);
    for (let i = 0; i < MAX_VOTE_ACCOUNTS; i++) view.setUint32(32 * i, i);
    const full = new Uint8Array(2 * MAX_VOTE_ACCOUNTS).fill(255);
    const rows = ['hash', 'infer', 'train'].map((mechanism) => ({
      mechanism,
      accounts: many,
      weights: full,
    }));
    const largest = encodeVote({ ...vote, rows });
    expect(decodeVote(largest).ok).toBe(true);
    expect(largest.length).toBeGreaterThan(0.95 * MAX_VOTE_BYTES);
    expect(decodeVote(new Uint8Array(MAX_VOTE_BYTES + 1))).toMatchObject({ code: 'TOO_LARGE' });
  });

  it('holds weights by account, whatever order they come in', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c'), someScores), { selector: ([m]) => m }),
        (all) => {
          const given = new Map(all.map(([name, scores]) => [name, weightsFromScores(new Map(scores))]));
          const held = new Map([...given].filter(([, row]) => row.size > 0));
          expect(voteWeights(voteRows(given))).toEqual(held);
          const turned = new Map(
            [...given].toReversed().map(([name, row]) => [name, new Map([...row].toReversed())]),
          );
          expect(voteRows(turned)).toEqual(voteRows(given));
          expect(decodeVote(encodeVote({ ...vote, rows: voteRows(given) })).ok).toBe(true);
        },
      ),
    );
  });
});

describe('weights of scores', () => {
  it('are in proportion to the largest, rounded down, and without those that are nothing', () => {
    const scores = new Map([
      ['aa', 2n * 65_535n],
      ['bb', 65_535n],
      ['cc', 2n],
      ['dd', 1n],
      ['ee', 0n],
    ]);
    expect([...weightsFromScores(scores)]).toEqual([
      ['aa', 65_535],
      ['bb', 32_767],
      ['cc', 1],
    ]);
    expect(weightsFromScores(new Map([['aa', 0n]])).size).toBe(0);
  });

  it('never give more to an account that is cut in two, but for others’ rounding where it was the largest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: 0n, max: 1n << 20n }), { maxLength: 8 }),
        fc.bigInt({ min: 0n, max: 1n << 20n }),
        fc.bigInt({ min: 0n, max: 1n << 20n }),
        (others, one, two) => {
          const parts = (scores: readonly bigint[]): { own: bigint; all: bigint } => {
            const row = weightsFromScores(new Map([...others, ...scores].map((score, i) => [`${i}`, score])));
            const sum = (from: number): bigint =>
              [...row].reduce((total, [name, w]) => total + (Number(name) >= from ? BigInt(w) : 0n), 0n);
            return { own: sum(others.length), all: sum(0) };
          };
          const whole = parts([one + two]);
          const cut = parts([one, two]);
          // The largest sets the scale for all: cut, it may lift the rounding of each other weight by less than one.
          const isLargest = others.every((score) => score < one + two);
          const luck = isLargest ? BigInt(others.length) * whole.own : 0n;
          expect(cut.own * whole.all).toBeLessThanOrEqual(whole.own * cut.all + luck);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
