import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BASE_UNITS_PER_CREDIT, formatCredits } from './ids.ts';

describe('formatCredits', () => {
  it.each<[bigint, string]>([
    [0n, '0'],
    [1n, '0.000000001'],
    [1_250_000_000n, '1.25'],
    [1_000_000_000n, '1'],
    [999_999_999n, '0.999999999'],
    [-1n, '-0.000000001'],
    [-1_500_000_000n, '-1.5'],
    [21_000_000n * BASE_UNITS_PER_CREDIT, '21000000'],
  ])('%s base units are %s credits', (amount, text) => expect(formatCredits(amount)).toBe(text));

  it('loses nothing', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (amount) => {
        const [, sign, whole = '', fraction = ''] =
          /^(-?)(\d+)(?:\.(\d*[1-9]))?$/.exec(formatCredits(amount)) ?? [];
        const abs = BigInt(whole) * BASE_UNITS_PER_CREDIT + BigInt(fraction.padEnd(9, '0'));
        expect(sign === '-' ? -abs : abs).toBe(amount);
      }),
    );
  });
});
