import { describe, expect, it } from 'vitest';
import { ifNoneMatch, ifRange } from './conditional.ts';

describe('ifNoneMatch', () => {
  it.each([
    ['"a"', true],
    ['W/"a"', true],
    ['"b", W/"a"', true],
    ['*', true],
    ['"b"', false],
    ['a', false],
    ['"ab"', false],
    ['', false],
    [undefined, false],
  ])('%s', (header, expected) => {
    expect(ifNoneMatch(header, '"a"')).toBe(expected);
    expect(ifNoneMatch(header, 'W/"a"')).toBe(expected);
  });
});

describe('ifRange', () => {
  it.each([
    [undefined, '"a"', true],
    ['"a"', '"a"', true],
    ['"b"', '"a"', false],
    ['W/"a"', '"a"', false],
    ['W/"a"', 'W/"a"', false],
    ['Wed, 21 Oct 2015 07:28:00 GMT', '"a"', false],
  ])('%s against %s', (header, etag, expected) => expect(ifRange(header, etag)).toBe(expected));
});
