import { expect, it } from 'vitest';
import { batchOf } from './job.ts';
import { writeVariant, type Bases } from './variants.ts';

const bases: Bases = {
  images: [Uint8Array.from({ length: 24 }, (_, i) => 10 * i), new Uint8Array(24).fill(128)],
  planes: 2,
  height: 3,
  width: 4,
};
const variant = (index: number): Float32Array => {
  const target = new Float32Array(24);
  writeVariant(bases, index, target, 0);
  return target;
};

it('the first are the bases; the others are new pixels, all of them different', () => {
  expect([...variant(0)]).toEqual([...(bases.images[0] ?? [])]);
  const seen = new Set(Array.from({ length: 2000 }, (_, i) => variant(i).join()));
  expect(seen.size).toBeGreaterThan(1900);
  for (const index of [2, 3, 999, 123_456_789])
    expect(variant(index).every((pixel) => Number.isInteger(pixel) && pixel >= 0 && pixel <= 255)).toBe(true);
});

it('a batch holds the same images as batches of one', () => {
  const batch = batchOf(bases, { offset: [127.5], scale: [1 / 127.5] }, 5, 3);
  const ones = [5, 6, 7].flatMap((i) => [...batchOf(bases, { offset: [127.5], scale: [1 / 127.5] }, i, 1)]);
  expect([...batch]).toEqual(ones);
});
