import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gammaQuantile, poissonAtLeast, poissonAtMost, poissonTwoSided } from './poisson.ts';

const mean = fc.double({ min: 0.01, max: 5000, noNaN: true });

describe('Poisson tails', () => {
  it.each([
    // k, mean, P(X <= k): closed forms.
    [0, 1, Math.exp(-1)],
    [1, 1, 2 * Math.exp(-1)],
    [2, 3, Math.exp(-3) * (1 + 3 + 4.5)],
    [0, 700, Math.exp(-700)],
  ])('P(X <= %i) at mean %d', (k, mean, expected) => {
    expect(poissonAtMost(k, mean) / expected).toBeCloseTo(1, 10);
  });

  it('tails add up to one, and one term lies between neighbours', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 6000 }), mean, (k, mean) => {
        expect(poissonAtMost(k, mean) + poissonAtLeast(k + 1, mean)).toBeCloseTo(1, 10);
        expect(poissonAtMost(k, mean)).toBeLessThanOrEqual(poissonAtMost(k + 1, mean) + 1e-12);
        expect(poissonAtLeast(k, mean)).toBeGreaterThanOrEqual(poissonAtLeast(k + 1, mean) - 1e-12);
      }),
    );
  });

  it('agrees with a sum of terms made without logarithms', () => {
    for (const mean of [0.3, 5, 16, 40.5]) {
      let term = Math.exp(-mean);
      let sum = 0;
      for (let k = 0; k < 90; k++) {
        sum += term;
        term *= mean / (k + 1);
        expect(poissonAtMost(k, mean)).toBeCloseTo(sum, 12);
      }
    }
  });

  it('is two-sided, and small only for counts far from the mean', () => {
    expect(poissonTwoSided(16, 16)).toBe(1);
    // Summed with forty decimals.
    expect(poissonTwoSided(5, 16)).toBeCloseTo(2 * 0.001383785025, 10);
    expect(poissonTwoSided(30, 16)).toBeCloseTo(2 * 0.001131195357, 10);
    expect(poissonTwoSided(0, 16)).toBeCloseTo(2 * Math.exp(-16), 12);
  });

  it('refuses a mean that is none', () => {
    for (const mean of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => poissonAtMost(1, mean)).toThrow(RangeError);
      expect(() => poissonAtLeast(1, mean)).toThrow(RangeError);
    }
  });
});

describe('gammaQuantile', () => {
  it('is the inverse of the distribution', () => {
    const probability = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), probability, (shape, p) => {
        expect(poissonAtLeast(shape, gammaQuantile(shape, p))).toBeCloseTo(p, 9);
      }),
    );
  });

  it('gives the chi-square quantiles of statistical tables', () => {
    // Half of chi-square with 2m degrees of freedom.
    expect(2 * gammaQuantile(3, 0.025)).toBeCloseTo(1.237, 3);
    expect(2 * gammaQuantile(3, 0.975)).toBeCloseTo(14.449, 3);
    expect(2 * gammaQuantile(5, 0.95)).toBeCloseTo(18.307, 3);
    expect(2 * gammaQuantile(50, 0.975)).toBeCloseTo(129.561, 3);
    expect(gammaQuantile(1, 0.5)).toBeCloseTo(Math.LN2, 12);
  });

  it('refuses what is no shape or no probability', () => {
    for (const shape of [0, -1, 1.5, Number.NaN]) expect(() => gammaQuantile(shape, 0.5)).toThrow(RangeError);
    for (const p of [0, 1, -1, Number.NaN]) expect(() => gammaQuantile(3, p)).toThrow(RangeError);
  });
});
