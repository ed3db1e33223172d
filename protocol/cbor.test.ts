import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hexToBytes, sha256, toHex } from './bytes.ts';
import { decodeCbor, encodeCbor, hashCbor } from './cbor.ts';

const decodeHex = (hex: string) => decodeCbor(hexToBytes(hex));

/** Values with one encoding: integers, strings, bytes, booleans, null, lists and maps. */
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.string(),
    fc.uint8Array({ maxLength: 40 }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('any'), { maxKeys: 4 }),
  ),
})).any;

describe('deterministic CBOR', () => {
  it('is the encoding of RFC 8949, section 4.2', () => {
    expect(toHex(encodeCbor({ b: 1, a: [true, null], aa: Uint8Array.of(7) }))).toBe(
      'a3616182f5f66162016261614107',
    );
    expect(toHex(encodeCbor([23, 24, 255, 256, 65536, -1]))).toBe('8617181818ff1901001a0001000020');
    expect(hashCbor({ a: 1 })).toEqual(sha256(hexToBytes('a1616101')));
  });

  it('gives every value back', () => {
    fc.assert(
      fc.property(value, (original) => {
        const decoded = decodeCbor(encodeCbor(original));
        expect(decoded.ok && toHex(encodeCbor(decoded.value))).toBe(toHex(encodeCbor(original)));
      }),
    );
  });

  it.each([
    ['a one-byte integer in two', '1817'],
    ['a one-byte integer in nine', '1b0000000000000001'],
    ['a short length in two bytes', '780161'],
    ['unsorted keys', 'a2616201616101'],
    ['keys sorted by bytes, not by length first', 'a262616101616202'],
    ['a repeated key', 'a2616101616102'],
    ['trailing bytes', '0100'],
    ['two values', '0101'],
    ['nothing', ''],
    ['an indefinite list', '9f01ff'],
    ['an indefinite string', '7f6161ff'],
    ['an indefinite map', 'bf616101ff'],
    ['a half float', 'f93c00'],
    ['a single float', 'fa3f800000'],
    ['NaN', 'fb7ff8000000000000'],
    ['infinity', 'fb7ff0000000000000'],
    ['undefined', 'f7'],
    ['a tag that is no CID', 'c001'],
    ['a map with integer keys', 'a10102'],
    ['a length with nothing behind it', '5a7fffffff'],
    ['a list of 2^32 with nothing in it', '9b0000000100000000'],
    ['a text that is not UTF-8', '62c328'],
    ['the break code alone', 'ff'],
  ])('refuses %s', (_, hex) => {
    expect(decodeHex(hex)).toMatchObject({ ok: false, code: 'MALFORMED' });
  });

  it('refuses nesting of any depth without a throw', () => {
    expect(decodeCbor(new Uint8Array(1_000_000).fill(0x81))).toMatchObject({ ok: false, code: 'MALFORMED' });
  });

  it('takes bytes only when they are what the value encodes to', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const decoded = decodeCbor(bytes);
        expect(decoded.ok ? toHex(encodeCbor(decoded.value)) : decoded.code).toBe(
          decoded.ok ? toHex(bytes) : 'MALFORMED',
        );
      }),
      { numRuns: 2000 },
    );
  });
});
