import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bitsFromTarget, digestToNumber, hashesPerShare, targetFromBits } from './target.ts';

describe('compact target', () => {
  // Values of Bitcoin Core's arith_uint256 tests (src/test/arith_uint256_tests.cpp, bignum_SetCompact).
  it.each([
    [0x0000_0000, 0n],
    [0x0012_3456, 0n],
    [0x0100_3456, 0n],
    [0x0112_3456, 0x12n],
    [0x0200_8000, 0x80n],
    [0x0312_3456, 0x123456n],
    [0x0412_3456, 0x12345600n],
    [0x0500_9234, 0x92340000n],
    [0x2012_3456, 0x123456n << 232n],
    [0x1d00_ffff, 0xffffn << 208n],
  ])('%i is %i', (bits, target) => expect(targetFromBits(bits)).toBe(target));

  it('refuses what is negative or too large', () => {
    expect(() => targetFromBits(0x0492_3456)).toThrow(RangeError);
    expect(() => targetFromBits(0xff12_3456)).toThrow(RangeError);
    expect(() => bitsFromTarget(-1n)).toThrow(RangeError);
    expect(() => bitsFromTarget(1n << 256n)).toThrow(RangeError);
  });

  it('gives real difficulties back', () => {
    for (const bits of [0x1d00ffff, 0x1b04864c, 0x1a44b9f2, 0x207fffff, 0x1e00ffff]) {
      expect(bitsFromTarget(targetFromBits(bits))).toBe(bits);
    }
  });

  it('rounds down to 23 bits or fewer and never up', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }), (target) => {
        const back = targetFromBits(bitsFromTarget(target));
        expect(back <= target).toBe(true);
        // At least 15 bits of mantissa are kept.
        expect((target - back) * (1n << 15n) <= target).toBe(true);
      }),
    );
  });
});

describe('work', () => {
  it('counts expected hashes as Bitcoin Core does', () => {
    expect(hashesPerShare(targetFromBits(0x1d00ffff))).toBe(0x1_0001_0001n);
    expect(hashesPerShare((1n << 256n) - 1n)).toBe(1n);
    expect(hashesPerShare(0n)).toBe(1n << 256n);
  });

  it('reads digests little-endian', () => {
    const digest = new Uint8Array(32);
    digest[0] = 1;
    digest[31] = 2;
    expect(digestToNumber(digest)).toBe((2n << 248n) | 1n);
  });
});
