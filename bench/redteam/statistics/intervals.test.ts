import { describe, expect, it } from 'vitest';
import { bonferroni, clopperPearson, median, medianInterval, upperBoundOfNone } from './intervals.ts';

describe('clopperPearson', () => {
  it('gives the published values', () => {
    // 10 of 100: 4.90 % to 17.62 % (A. Agresti and B. Coull, 1998, and every statistics package)
    const { low, high } = clopperPearson(10, 100);
    expect(low).toBeCloseTo(0.0490047, 6);
    expect(high).toBeCloseTo(0.1762226, 6);
  });

  it('has closed forms at the ends', () => {
    expect(clopperPearson(0, 20)).toEqual({ low: 0, high: expect.closeTo(1 - 0.025 ** (1 / 20), 12) });
    expect(clopperPearson(20, 20)).toEqual({ low: expect.closeTo(0.025 ** (1 / 20), 12), high: 1 });
    expect(clopperPearson(0, 0)).toEqual({ low: 0, high: 1 });
  });

  it('refuses more successes than trials', () => {
    expect(() => clopperPearson(3, 2)).toThrow(RangeError);
  });
});

it('upperBoundOfNone is close to three over the number of trials', () => {
  expect(upperBoundOfNone(10_000)).toBeCloseTo(2.9953e-4, 7);
  expect(upperBoundOfNone(0)).toBe(1);
});

it('bonferroni shares the error between the intervals', () => {
  expect(bonferroni(10)).toBeCloseTo(0.995, 12);
  expect(bonferroni(0)).toBe(0.95);
});

describe('the median', () => {
  it('is the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(() => median([])).toThrow(RangeError);
  });

  it('has an interval from order statistics', () => {
    // n = 10 at 95 %: the 2nd and the 9th (W. J. Conover, Practical Nonparametric Statistics, table A3).
    expect(medianInterval([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])).toEqual({ low: 2, high: 9 });
    expect(medianInterval([5, 1, 3])).toEqual({ low: 1, high: 5 });
    expect(medianInterval([7])).toEqual({ low: 7, high: 7 });
  });
});
