import { describe, expect, it } from 'vitest';
import { betaCdf, betaQuantile, logGamma } from './beta.ts';

describe('logGamma', () => {
  it('is the logarithm of factorials and of √π', () => {
    expect(logGamma(1)).toBeCloseTo(0, 12);
    expect(logGamma(6)).toBeCloseTo(Math.log(120), 12);
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 12);
    // ln 100! = 363.73937555556349014... (DLMF table 5.4 by Stirling's series)
    expect(logGamma(101)).toBeCloseTo(363.7393755555635, 9);
  });
});

describe('betaCdf', () => {
  it('is x for the uniform distribution and a polynomial for small integers', () => {
    expect(betaCdf(0.3, 1, 1)).toBeCloseTo(0.3, 14);
    // I_x(2, 3) = 6x² − 8x³ + 3x⁴
    expect(betaCdf(0.4, 2, 3)).toBeCloseTo(6 * 0.16 - 8 * 0.064 + 3 * 0.0256, 14);
  });

  it('is the arcsine law for a = b = ½', () => {
    expect(betaCdf(0.2, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(0.2)), 13);
  });

  it('is symmetric', () => {
    expect(betaCdf(0.7, 5, 9)).toBeCloseTo(1 - betaCdf(0.3, 9, 5), 13);
  });

  it('holds far out: large parameters and tails', () => {
    // P(no success in 10,000 at 1e-4) = (1 − 1e-4)^10000
    expect(betaCdf(1e-4, 1, 10_000)).toBeCloseTo(1 - 0.9999 ** 10_000, 10);
  });

  it('refuses what is no parameter', () => {
    expect(() => betaCdf(0.5, 0, 1)).toThrow(RangeError);
    expect(() => betaCdf(1.1, 1, 1)).toThrow(RangeError);
  });
});

describe('betaQuantile', () => {
  it('inverts the distribution function', () => {
    for (const [p, a, b] of [
      [0.05, 10.5, 0.5],
      [0.975, 3, 8],
      [0.5, 200, 200],
    ] as const) {
      expect(betaCdf(betaQuantile(p, a, b), a, b)).toBeCloseTo(p, 12);
    }
  });
});
