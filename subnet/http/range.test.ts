import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange } from './range.ts';

describe('parseRange', () => {
  it.each([
    ['bytes=0-0', 10, { first: 0, last: 0 }],
    ['bytes=2-5', 10, { first: 2, last: 5 }],
    ['bytes=2-', 10, { first: 2, last: 9 }],
    ['bytes=-3', 10, { first: 7, last: 9 }],
    ['bytes=-30', 10, { first: 0, last: 9 }],
    ['bytes=5-999999999999999', 10, { first: 5, last: 9 }],
    ['Bytes= 2-5 ', 10, { first: 2, last: 5 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=10-20', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=5-2', 10, 'whole'],
    ['bytes=-', 10, 'whole'],
    ['bytes=0-1,4-5', 10, 'whole'],
    ['bytes=1e3-', 10, 'whole'],
    ['bytes=0x1-2', 10, 'whole'],
    ['bytes=--1', 10, 'whole'],
    ['bytes=0-9999999999999999999999', 10, 'whole'],
    ['items=0-1', 10, 'whole'],
    ['', 10, 'whole'],
    [undefined, 10, 'whole'],
  ] as const)('%s of %i', (header, size, expected) => expect(parseRange(header, size)).toEqual(expected));

  it('gives a range inside the file for anything that looks like one', () => {
    const number = fc.option(fc.nat({ max: 30 }), { nil: undefined });
    fc.assert(
      fc.property(number, number, fc.nat({ max: 20 }), (from, to, size) => {
        const range = parseRange(`bytes=${from ?? ''}-${to ?? ''}`, size);
        if (typeof range === 'string') return;
        expect(range.first).toBeGreaterThanOrEqual(0);
        expect(range.first).toBeLessThanOrEqual(range.last);
        expect(range.last).toBeLessThan(size);
        // The bytes are those a reader of the RFC would pick one by one.
        const asked = Array.from({ length: size }, (_, i) => i).filter((i) =>
          from === undefined ? i >= size - (to ?? 0) : i >= from && i <= (to ?? size),
        );
        expect([range.first, range.last]).toEqual([asked[0], asked.at(-1)]);
      }),
    );
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(() => parseRange(text, 100)).not.toThrow();
        expect(() => parseRange(`bytes=${text}`, 100)).not.toThrow();
      }),
    );
  });
});
