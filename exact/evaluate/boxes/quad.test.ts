import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { area, hull, matched, overlap, rectangle, smallestRectangle, type Point } from './quad.ts';

const square = rectangle([0, 0], 2, 2, 0);

describe('rectangles', () => {
  it('have the area of their sides at any angle', () => {
    expect(area(rectangle([3, 4], 5, 2, 0.7))).toBeCloseTo(10, 9);
  });

  it('overlap by what they share over what they cover', () => {
    expect(overlap(square, square)).toBeCloseTo(1, 9);
    expect(overlap(square, rectangle([1, 0], 2, 2, 0))).toBeCloseTo(1 / 3, 9);
    expect(overlap(square, rectangle([5, 0], 2, 2, 0))).toBe(0);
    // A square turned by 45 degrees on one of the same size: they share a regular octagon of 8 (√2 − 1).
    const octagon = 8 * (Math.SQRT2 - 1);
    expect(overlap(square, rectangle([0, 0], 2, 2, Math.PI / 4))).toBeCloseTo(octagon / (8 - octagon), 9);
    // In whichever order the corners go around.
    const [a, b, c, d] = square;
    expect(overlap([d, c, b, a], rectangle([1, 0], 2, 2, 0))).toBeCloseTo(1 / 3, 9);
  });

  it('match one to one, the closest first', () => {
    const near = rectangle([0.2, 0], 2, 2, 0);
    expect(matched([square, near], [square], 0.5)).toBe(1);
    expect(matched([near, square], [square, rectangle([0.5, 0], 2, 2, 0)], 0.5)).toBe(2);
    expect(matched([rectangle([1, 0], 2, 2, 0)], [square], 0.5)).toBe(0);
  });

  it('are found again around their points, whatever their angle', () => {
    const side = fc.double({ min: 1, max: 100, noNaN: true });
    fc.assert(
      fc.property(side, side, fc.double({ min: -1.5, max: 1.5, noNaN: true }), (width, height, angle) => {
        const corners = rectangle([10, 20], width, height, angle);
        const found = smallestRectangle(corners);
        expect((found?.width ?? 0) * (found?.height ?? 0)).toBeCloseTo(width * height, 5);
        expect(found?.centre[0]).toBeCloseTo(10, 6);
        expect(found?.centre[1]).toBeCloseTo(20, 6);
      }),
    );
  });
});

it('a hull leaves out what is inside', () => {
  const points: Point[] = [
    [0, 0],
    [4, 0],
    [4, 4],
    [0, 4],
    [1, 2],
    [2, 0],
  ];
  expect(hull(points)).toEqual([
    [0, 0],
    [4, 0],
    [4, 4],
    [0, 4],
  ]);
  expect(smallestRectangle([])).toBeNull();
});
