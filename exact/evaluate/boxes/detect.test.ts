import { describe, expect, it } from 'vitest';
import { detectBoxes } from './detect.ts';
import { area } from './quad.ts';

const [height, width] = [40, 60];

/** A map that is `inside` in a rectangle of pixels and 0.1 elsewhere. */
function mapOf(x0: number, y0: number, x1: number, y1: number, inside: number): Float32Array {
  return Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x >= x0 && x <= x1 && y >= y0 && y <= y1 ? inside : 0.1;
  });
}
const detect = (values: Float32Array) => detectBoxes({ values, height, width });

describe('boxes from probabilities', () => {
  it('are grown by area · 1.5 / perimeter on each side', () => {
    const [box, ...others] = detect(mapOf(10, 10, 30, 20, 0.9));
    expect(others).toEqual([]);
    // 20 by 10 between the outermost pixels, as OpenCV measures contours; grown by 200 · 1.5 / 60 = 5.
    expect(area(box ?? [])).toBeCloseTo(30 * 20, 6);
    const xs = (box ?? []).map(([x]) => x);
    expect([Math.min(...xs), Math.max(...xs)]).toEqual([expect.closeTo(5, 6), expect.closeTo(35, 6)]);
  });

  it('need 0.3 a pixel and 0.6 in the mean', () => {
    expect(detect(mapOf(10, 10, 30, 20, 0.3))).toEqual([]);
    expect(detect(mapOf(10, 10, 30, 20, 0.59))).toEqual([]);
    expect(detect(mapOf(10, 10, 30, 20, 0.61))).toHaveLength(1);
  });

  it('are dropped when a side is under three pixels', () => {
    expect(detect(mapOf(10, 10, 30, 12, 0.9))).toEqual([]);
    expect(detect(mapOf(10, 10, 30, 13, 0.9))).toHaveLength(1);
  });

  it('are one for pixels that touch by corners, two for pixels apart', () => {
    const both = (b: Float32Array): Float32Array =>
      // A bright background, so that the frame around both, half empty, still passes as text.
      mapOf(5, 5, 15, 15, 1).map((x, i) => Math.max(x, b[i] ?? 0, 0.29));
    expect(detect(both(mapOf(16, 16, 26, 26, 1)))).toHaveLength(1);
    expect(detect(both(mapOf(18, 18, 28, 28, 1)))).toHaveLength(2);
  });
});
