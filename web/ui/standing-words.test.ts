import { expect, it } from 'vitest';
import { auditWords } from './standing-words.ts';

it.each([
  [1_000_000, 'every unit is checked'],
  [2_000_000, 'every unit is checked'],
  [999_999, '99.9\u00a0% of units are checked'],
  [750_000, '75.0\u00a0% of units are checked'],
  [500_000, '1 in 2 units is checked'],
  [14_925, '1 in 67 units is checked'],
  [10_000, '1 in 100 units is checked'],
  [1, '1 in 1,000,000 units is checked'],
  [0, 'no unit is checked'],
  [Number.NaN, 'no unit is checked'],
])('%d ppm: %s', (ppm, words) => {
  expect(auditWords(ppm)).toBe(words);
});
