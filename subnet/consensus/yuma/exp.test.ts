import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sigmoid } from './exp.ts';
import { FIXED_ONE, fixedSigmoid, fromNumber, toNumber } from './fixed.ts';

const viaMath = (x: number, steepness: number, centre: number): number =>
  1 / (1 + Math.exp(Math.min(20, Math.max(-20, -steepness * (x - centre)))));

describe('sigmoid', () => {
  it('agrees with Math.exp to a few units in the last place', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 60, noNaN: true }),
        (x, steepness) => {
          const want = viaMath(x, steepness, 0.5);
          expect(Math.abs(sigmoid(x, steepness, 0.5) - want)).toBeLessThanOrEqual(4 * Number.EPSILON * want);
        },
      ),
    );
  });

  it('agrees with the fixed point to two of its steps, and what the input is off by', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000_000 }),
        fc.integer({ min: 0, max: 60 }),
        (millionths, steepness) => {
          const x = millionths / 1_000_000;
          const exact = toNumber(fixedSigmoid(fromNumber(x), BigInt(steepness) * FIXED_ONE, FIXED_ONE / 2n));
          const bound = (2 + steepness) / 2 ** 32;
          expect(Math.abs(sigmoid(x, steepness, 0.5) - exact)).toBeLessThanOrEqual(bound);
        },
      ),
    );
  });

  it('is a half in the middle, and clamps beyond e^20', () => {
    expect(sigmoid(0.5, 10, 0.5)).toBe(0.5);
    expect(sigmoid(1, 1_000, 0)).toBe(sigmoid(1, 20, 0));
    expect(sigmoid(-1, 1_000, 0)).toBe(sigmoid(-1, 20, 0));
  });
});
