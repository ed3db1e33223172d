import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashesPerShare, targetFromBits } from '../../../protocol/target.ts';
import { bitsForShares, EXPECTED_SHARES, sizeFor } from './size.ts';

const expectedShares = ({ bits, nonceCount }: { bits: number; nonceCount: number }): number =>
  nonceCount / Number(hashesPerShare(targetFromBits(bits)));

describe('sizeFor', () => {
  it('gives a power of two of nonces that is two to four seconds of work', () => {
    for (const rate of [50_000, 600_000, 4e6, 9.7e6, 6.8e8]) {
      const { nonceCount } = sizeFor(rate);
      expect(Number.isInteger(Math.log2(nonceCount))).toBe(true);
      expect(nonceCount / rate).toBeGreaterThanOrEqual(2);
      expect(nonceCount / rate).toBeLessThan(4);
    }
  });

  it('expects 16 shares whatever is claimed, also what is no number', () => {
    const claims = fc.oneof(fc.double(), fc.constantFrom(Infinity, -Infinity, NaN, 0, -1, Number.MAX_VALUE));
    fc.assert(
      fc.property(claims, (rate) => {
        const size = sizeFor(rate);
        expect(size.nonceCount).toBeGreaterThanOrEqual(2 ** 14);
        expect(size.nonceCount).toBeLessThanOrEqual(2 ** 32);
        expect(expectedShares(size)).toBeCloseTo(EXPECTED_SHARES, 1);
      }),
    );
  });
});

describe('bitsForShares', () => {
  it('gives a target that is met as often as asked', () => {
    expect(expectedShares({ bits: bitsForShares(2 ** 20, 4), nonceCount: 2 ** 20 })).toBeCloseTo(4, 2);
    expect(expectedShares({ bits: bitsForShares(1000, 0.5), nonceCount: 1000 })).toBeCloseTo(0.5, 2);
  });

  it.each([
    [2 ** 20, 0],
    [2 ** 20, 4096],
    [8, 16],
    [1.5, 1],
    [2 ** 20, NaN],
  ])('refuses %d nonces for %d shares', (nonceCount, shares) => {
    expect(() => bitsForShares(nonceCount, shares)).toThrow(RangeError);
  });
});
