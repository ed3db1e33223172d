import { expect, it } from 'vitest';
import { decodeGreedy, readGreedy } from './ctc.ts';

/** One row a step, 1 at the class. */
const rows = (...best: number[]): Float32Array =>
  Float32Array.from(best.flatMap((k) => [0, 1, 2].map((i) => Number(i === k))));

it('merges repetitions and drops blanks', () => {
  expect(decodeGreedy(rows(1, 1, 0, 1, 2, 2, 0), ['a', 'b'])).toBe('aab');
  expect(decodeGreedy(rows(0, 0), ['a', 'b'])).toBe('');
  // Where each character was first seen.
  expect(readGreedy(rows(0, 1, 1, 0, 2), ['a', 'b'])).toEqual({ text: 'ab', steps: [1, 4] });
  // Integers, and rows without a positive value, are compared in the same way.
  expect(decodeGreedy(Float32Array.from([-5, -9, -1]), ['a', 'b'])).toBe('b');
});
