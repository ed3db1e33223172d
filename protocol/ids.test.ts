import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BASE_UNITS_PER_CREDIT, formatCredits, parseCredits } from './ids.ts';

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

describe('parseCredits', () => {
  it('reads back what formatCredits writes, to the base unit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (amount) => {
        expect(parseCredits(formatCredits(amount))).toBe(amount);
      }),
    );
  });

  it.each<[string, bigint]>([
    ['0', 0n],
    ['0.1', 100_000_000n],
    ['0.000000001', 1n],
    ['1.10', 1_100_000_000n],
    ['007', 7n * BASE_UNITS_PER_CREDIT],
    ['18446744073.709551615', 2n ** 64n - 1n],
  ])('%s', (text, amount) => expect(parseCredits(text)).toBe(amount));

  it.each([
    '',
    ' 1',
    '1 ',
    '-1',
    '+1',
    '1.',
    '.5',
    '1e3',
    '0x10',
    '1,5',
    '1_000',
    'NaN',
    '٣',
    '1.0000000001',
    '18446744073.709551616',
    '1'.repeat(400),
  ])('%j is none', (text) => expect(parseCredits(text)).toBeNull());
});
