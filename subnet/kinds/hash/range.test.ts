import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../protocol/bytes.ts';
import { mulberry32 } from '../../../protocol/known-answer.ts';
import { expectedShares, rescanDetection, sampleRange, type NonceRange } from './range.ts';
import { bitsForShares } from './size.ts';

const seedOf = (n: number): Uint8Array => sha256(Uint8Array.of(n & 255, (n >> 8) & 255));
const size = (ranges: readonly NonceRange[]): number => ranges.reduce((sum, { count }) => sum + count, 0);
const holds = (ranges: readonly NonceRange[], nonce: number): boolean =>
  ranges.some(({ start, count }) => nonce >= start && nonce < start + count);

describe('sampleRange', () => {
  it('gives ascending pieces inside of the range, without overlap, of the size asked for', () => {
    const range = fc
      .record({ start: fc.nat(2 ** 31), count: fc.integer({ min: 1, max: 2 ** 31 }) })
      .filter(({ start, count }) => start + count <= 2 ** 32);
    fc.assert(
      fc.property(fc.nat(65_535), range, fc.integer({ min: 1, max: 2 ** 17 }), (n, range, count) => {
        const sample = sampleRange(seedOf(n), range, count);
        let end = range.start;
        for (const piece of sample) {
          expect(piece.count).toBeGreaterThan(0);
          expect(piece.start).toBeGreaterThanOrEqual(end);
          end = piece.start + piece.count;
        }
        expect(end).toBeLessThanOrEqual(range.start + range.count);
        const wanted = Math.min(count, range.count);
        expect(size(sample)).toBeLessThanOrEqual(wanted);
        expect(size(sample)).toBeGreaterThan(wanted - 64);
        expect(sampleRange(seedOf(n), range, count)).toEqual(sample);
      }),
    );
  });

  it('is the whole range when that is no larger', () => {
    expect(sampleRange(seedOf(1), { start: 5, count: 100 }, 100)).toEqual([{ start: 5, count: 100 }]);
  });

  it('takes every nonce as often as any other', () => {
    const runs = 4000;
    const hits = new Float64Array(640);
    for (let n = 0; n < runs; n++) {
      for (const { start, count } of sampleRange(seedOf(n), { start: 100, count: 640 }, 128)) {
        for (let i = start; i < start + count; i++) hits[i - 100] = (hits[i - 100] ?? 0) + 1;
      }
    }
    // A fifth of the range; five standard deviations, so that 640 nonces all keep inside of it.
    const slack = 5 * Math.sqrt(runs * 0.2 * 0.8);
    for (const hit of hits) expect(Math.abs(hit - 0.2 * runs)).toBeLessThan(slack);
  });

  it('depends on the seed', () => {
    const range = { start: 0, count: 2 ** 20 };
    expect(sampleRange(seedOf(1), range, 2 ** 10)).not.toEqual(sampleRange(seedOf(2), range, 2 ** 10));
  });
});

describe('detection by rescan', () => {
  it('is what the formula says', () => {
    expect(rescanDetection(0.1, 1, 16)).toBeCloseTo(1 - Math.exp(-1.6), 12);
    expect(rescanDetection(0, 1, 16)).toBeCloseTo(0, 12);
    expect(rescanDetection(1, 1, 100)).toBeCloseTo(1, 12);
  });

  it.each([
    ['at the end', (q: number) => (at: number) => at >= 1 - q],
    ['in the middle', (q: number) => (at: number) => Math.abs(at - 0.5) < q / 2],
    ['every so often', (q: number) => (at: number) => (at * 20) % 1 < q],
  ])('holds wherever the skip lies: %s', (_, skipOf) => {
    const range = { start: 0, count: 2 ** 16 };
    const [count, lambda, q, runs] = [2 ** 14, 16, 0.4, 1500];
    const skipped = skipOf(q);
    const next = mulberry32(7);
    let caught = 0;
    for (let n = 0; n < runs; n++) {
      const sample = sampleRange(seedOf(n), range, count);
      // Shares as a Poisson process over the range.
      let at = -Math.log((next() + 0.5) / 2 ** 32) / lambda;
      let missing = false;
      while (at < 1) {
        if (skipped(at) && holds(sample, Math.floor(at * range.count))) missing = true;
        at += -Math.log((next() + 0.5) / 2 ** 32) / lambda;
      }
      if (missing) caught += 1;
    }
    const expected = rescanDetection(q, count / range.count, lambda);
    const slack = 4 * Math.sqrt((expected * (1 - expected)) / runs);
    expect(Math.abs(caught / runs - expected)).toBeLessThan(slack);
  });

  it('expects the shares that the target says', () => {
    const bits = bitsForShares(8192, 16);
    const spec = { algorithm: 'sha256d' as const, version: 1, bits };
    const input = { time: 0, nonceStart: 0, nonceCount: 8192 };
    expect(expectedShares({ kind: 'hash', spec, input })).toBeCloseTo(16, 1);
  });
});
