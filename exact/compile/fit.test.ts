import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fit, type Sum } from './fit.ts';

const sum = (weights: readonly number[], high: number, bias = 0, low = 0, fraction = 0): Sum => ({
  weights: Float64Array.from(weights),
  bias,
  low: Float64Array.of(low),
  high: Float64Array.of(high),
  inputOf: () => 0,
  fraction,
});

describe('fit', () => {
  it('takes 2^24 − 1 and not 2^24', () => {
    expect(fit(sum([1], 2 ** 24 - 1))).toMatchObject({ k: 0, worst: 2 ** 24 - 1 });
    expect(fit(sum([1], 2 ** 24))).toBeNull();
    expect(fit(sum([-1], 2 ** 24 - 2, -1))).toMatchObject({ k: 0, worst: 2 ** 24 - 1 });
    expect(fit(sum([-1], 2 ** 24 - 1, -1))).toBeNull();
    expect(fit(sum([3], 2 ** 20))).toMatchObject({ k: 2, worst: 12 * 2 ** 20 });
  });

  it('counts in steps of the inputs', () => {
    expect(fit(sum([1], 2 ** 20, 0, 0, 3))).toMatchObject({ k: 0 });
    expect(fit(sum([1], 2 ** 20, 0, 0, 2))).toMatchObject({ k: 1 });
  });

  it('gives nothing that is always 0 a weight', () => {
    expect(fit(sum([1e9], 0))?.weights).toEqual(Float64Array.of(0));
  });

  it('holds every partial sum, in any order, and is the finest that does', () => {
    const weight = fc.double({ min: -4, max: 4, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(weight, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: -1000, max: 0 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: -50, max: 50, noNaN: true }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 40, maxLength: 40 }),
        (weights, low, high, bias, picks) => {
          const fitted = fit(sum(weights, high, bias, low));
          if (fitted === null) throw new Error('nothing fits');
          let partial = BigInt(fitted.bias);
          for (const [i, value] of fitted.weights.entries()) {
            partial += BigInt(value) * BigInt(Math.round(low + (picks[i] ?? 0) * (high - low)));
            expect(partial < 2n ** 24n && partial > -(2n ** 24n)).toBe(true);
          }
          expect(fitted.worst).toBeLessThan(2 ** 24);
          const unit = 2 ** (fitted.k + 1);
          const finer = weights.map((value) => Math.round(value * unit));
          const next = Math.round(bias * unit);
          const top = finer.reduce((all, value) => all + Math.max(0, value * low, value * high), 0);
          const bottom = finer.reduce((all, value) => all + Math.min(0, value * low, value * high), 0);
          const worst = Math.max(top + Math.max(next, 0), Math.max(-next, 0) - bottom);
          expect(fitted.k === 30 || worst >= 2 ** 24).toBe(true);
        },
      ),
    );
  });

  it('adds to the bias what rounded weights leave out on average', () => {
    // A third on a grid of 2^-2 is 1/4: 1/12 of a mean of 60 is missing.
    const given = sum([1 / 3], 100);
    expect(fit(given, 2)?.bias).toBe(0);
    expect(fit({ ...given, means: Float64Array.of(60) }, 2)).toMatchObject({ k: 2, bias: 4 * 5, worst: 120 });
  });
});
