import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  burstPreimage,
  estimateRate,
  MIN_ESTIMATE_SHARES,
  packShares,
  rateDeviation,
  unpackShares,
} from './burst.ts';
import { sha256d, toHex } from './bytes.ts';
import { hashPreimage } from './kinds/hash.ts';
import { mulberry32 } from './known-answer.ts';
import { digestToNumber } from './target.ts';

const SPACE = 2n ** 256n;
const burst = { beacon: new Uint8Array(32).fill(1), burstId: new Uint8Array(32).fill(2) };
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('burst preimage', () => {
  it('is a header of version 1 without a target, bound to beacon, burst and time', () => {
    const spec = { algorithm: 'sha256d' as const, version: 1, bits: 0 };
    const input = { time: 9, nonceStart: 0, nonceCount: 1 };
    expect(burstPreimage(burst, 9)).toEqual(hashPreimage(spec, input, burst.beacon, burst.burstId));
    const others = [burstPreimage(burst, 8), burstPreimage({ ...burst, burstId: burst.beacon }, 9)];
    expect(new Set([burstPreimage(burst, 9), ...others].map(toHex)).size).toBe(3);
  });
});

describe('packed shares', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ time: u32, nonce: u32 })), (shares) => {
        const packed = packShares(shares);
        expect(packed.length).toBe(8 * shares.length);
        expect(unpackShares(packed)).toEqual(shares);
        // Also from the middle of a message.
        const within = new Uint8Array(packed.length + 3);
        within.set(packed, 3);
        expect(unpackShares(within.subarray(3))).toEqual(shares);
      }),
    );
  });

  it('are whole', () => {
    for (const length of [1, 7, 9, 8191]) expect(unpackShares(new Uint8Array(length))).toBeNull();
    expect(toHex(packShares([{ time: 1, nonce: 0x0a0b0c0d }]))).toBe('010000000d0c0b0a');
  });
});

/** A standard exponential from a generator of u32. */
const exponential = (next: () => number): number => -Math.log((next() + 0.5) / 2 ** 32);

/** The `m`-th smallest of `hashes` uniform digests: the time of the m-th event of a Poisson process, as a digest. */
function simulate(m: number, hashes: number, next: () => number): bigint {
  let sum = 0;
  for (let i = 0; i < m; i++) sum += exponential(next);
  return (BigInt(Math.round((sum / hashes) * 2 ** 52)) * SPACE) / 2n ** 52n;
}

describe('estimateRate', () => {
  it('is (m-1) * 2^256 / (h * t), exactly', () => {
    const { rate } = estimateRate(1024, SPACE / 1_000_000n - 1n, 2000);
    expect(rate).toBe((1023n * 1_000_000n) / 2n);
    expect(estimateRate(3, SPACE - 1n, 1000).rate).toBe(2n);
    // The best a digest can be; no division by zero.
    expect(estimateRate(3, 0n, 1000).rate).toBe(2n * SPACE);
  });

  it('orders the interval around the rate, and scales with time', () => {
    const m = fc.integer({ min: MIN_ESTIMATE_SHARES, max: 1024 });
    const largest = fc.bigInt({ min: 2n ** 180n, max: 2n ** 220n });
    fc.assert(
      fc.property(m, largest, fc.integer({ min: 1, max: 10_000 }), (m, largest, ms) => {
        const { rate, low, high } = estimateRate(m, largest, ms);
        expect(low).toBeLessThan(rate);
        expect(rate).toBeLessThan(high);
        const longer = estimateRate(m, largest, 2 * ms);
        expect(rate - 2n * longer.rate).toBeLessThanOrEqual(1n);
      }),
      { numRuns: 200 },
    );
  });

  it('has the width that 1/sqrt(m-2) says', () => {
    const { rate, low, high } = estimateRate(1024, 2n ** 200n, 1000);
    const width = Number(((high - low) * 1_000_000n) / rate) / 1e6;
    expect(width).toBeCloseTo(2 * 1.96 * rateDeviation(1024), 2);
    expect(rateDeviation(1024)).toBeCloseTo(0.0313, 4);
  });

  it.each([3, 16, 128, 1024])('covers the true rate in nineteen of twenty simulated bursts, m = %i', (m) => {
    const next = mulberry32(m);
    const runs = 4000;
    const hashes = 2 ** 22;
    let covered = 0;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < runs; i++) {
      const { rate, low, high } = estimateRate(m, simulate(m, hashes, next), 1000);
      if (low <= BigInt(hashes) && BigInt(hashes) <= high) covered += 1;
      sum += Number(rate) / hashes;
      squares += (Number(rate) / hashes) ** 2;
    }
    // Four standard deviations of the binomial: wrong once in 16,000 seeds, and the seed is fixed.
    const slack = 4 * Math.sqrt((0.95 * 0.05) / runs);
    expect(Math.abs(covered / runs - 0.95)).toBeLessThan(slack);
    if (m < 16) return; // three digests have a mean, but a spread that is infinite in theory at m = 2
    expect(Math.abs(sum / runs - 1)).toBeLessThan((4 * rateDeviation(m)) / Math.sqrt(runs));
    const deviation = Math.sqrt(squares / runs - (sum / runs) ** 2);
    expect(deviation / rateDeviation(m)).toBeGreaterThan(0.9);
    expect(deviation / rateDeviation(m)).toBeLessThan(1.15);
  });

  it('holds for real hashes', () => {
    const preimage = burstPreimage(burst, 0);
    const view = new DataView(preimage.buffer);
    const digests = Array.from({ length: 20_000 }, (_, nonce) => {
      view.setUint32(76, nonce, true);
      return digestToNumber(sha256d(preimage));
    }).sort((a, b) => (a < b ? -1 : 1));
    const { rate, low, high } = estimateRate(256, digests[255] ?? 0n, 1000);
    expect(low).toBeLessThan(20_000n);
    expect(high).toBeGreaterThan(20_000n);
    expect(Math.abs(Number(rate) / 20_000 - 1)).toBeLessThan(4 * rateDeviation(256));
  });

  it.each([
    [2, 1n, 1000],
    [0, 1n, 1000],
    [3.5, 1n, 1000],
    [3, -1n, 1000],
    [3, SPACE, 1000],
    [3, 1n, 0],
    [3, 1n, Number.NaN],
    [3, 1n, Number.POSITIVE_INFINITY],
  ])('refuses m = %d, h = %d, t = %d', (m, largest, ms) => {
    expect(() => estimateRate(m, largest, ms)).toThrow(RangeError);
  });
});
