import { describe, expect, it } from 'vitest';
import { ratioOf, rewardRatio } from './ratio.ts';

describe('ratioOf', () => {
  it('is the ratio of the sums', () => {
    expect(
      ratioOf([
        { gained: 1, honest: 10 },
        { gained: 9, honest: 10 },
      ]),
    ).toBe(0.5);
  });

  it('is nothing for nothing, and without bound for something', () => {
    expect(ratioOf([{ gained: 0, honest: 0 }])).toBe(0);
    expect(ratioOf([{ gained: 1, honest: 0 }])).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('rewardRatio', () => {
  const pairs = Array.from({ length: 50 }, (_, i) => ({ gained: 80 + (i % 10), honest: 100 }));

  it('holds the mean between its ends, and narrows with the spread', () => {
    const { mean, low, high } = rewardRatio(pairs, 's');
    expect(mean).toBeCloseTo(0.845, 12);
    // The standard error is 2.87 / √50 / 100 = 0.41 %.
    expect(low).toBeGreaterThan(0.835);
    expect(low).toBeLessThan(0.84);
    expect(high).toBeLessThan(0.855);
    expect(rewardRatio([{ gained: 1, honest: 2 }], 's')).toEqual({ mean: 0.5, low: 0.5, high: 0.5 });
  });

  it('is a function of its seed', () => {
    expect(rewardRatio(pairs, 1)).toEqual(rewardRatio(pairs, 1));
  });
});
