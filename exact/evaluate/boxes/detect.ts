import { rectangle, smallestRectangle, type Point, type Quad, type Rectangle } from './quad.ts';

/**
 * Boxes from a map of text probabilities, as PaddleOCR does it (ppocr/postprocess/db_postprocess.py, `boxes_from_bitmap`; Liao
 * et al., "Real-time Scene Text Detection with Differentiable Binarization", 2019, 3.4), with its defaults. Rectangles are grown
 * by their sides here; there polygons are grown with round corners and framed again, which gives the same rectangle.
 */
const PIXEL_THRESHOLD = 0.3;
const BOX_THRESHOLD = 0.6;
const UNCLIP_RATIO = 1.5;
/** Shorter sides, in pixels of the map, before and after growing. */
const [LEAST_SIDE, LEAST_GROWN_SIDE] = [3, 5];

export type ProbabilityMap = { values: Float32Array; height: number; width: number };

/** Groups of pixels above the threshold that touch, by sides or corners. */
function components({ values, height, width }: ProbabilityMap): Point[][] {
  const seen = new Uint8Array(values.length);
  const found: Point[][] = [];
  for (let start = 0; start < values.length; start++) {
    if (seen[start] === 1 || (values[start] ?? 0) <= PIXEL_THRESHOLD) continue;
    const pixels: Point[] = [];
    const open = [start];
    seen[start] = 1;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const [x, y] = [at % width, Math.floor(at / width)];
      pixels.push([x, y]);
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++)
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (seen[next] === 1 || (values[next] ?? 0) <= PIXEL_THRESHOLD) continue;
          seen[next] = 1;
          open.push(next);
        }
    }
    found.push(pixels);
  }
  return found;
}

/** Leftmost and rightmost pixel of each row: the hull needs no others. */
function ends(pixels: readonly Point[]): Point[] {
  const rows = new Map<number, [number, number]>();
  for (const [x, y] of pixels) {
    const [left, right] = rows.get(y) ?? [x, x];
    rows.set(y, [Math.min(left, x), Math.max(right, x)]);
  }
  return [...rows].flatMap(([y, [left, right]]): Point[] => [
    [left, y],
    [right, y],
  ]);
}

/** The mean probability of the pixels in a rectangle. */
function meanWithin({ values, height, width }: ProbabilityMap, box: Rectangle): number {
  const { centre, angle } = box;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const reach = Math.ceil(Math.hypot(box.width, box.height) / 2) + 1;
  let [total, count] = [0, 0];
  for (let y = Math.max(0, Math.floor(centre[1] - reach)); y <= Math.min(height - 1, centre[1] + reach); y++)
    for (
      let x = Math.max(0, Math.floor(centre[0] - reach));
      x <= Math.min(width - 1, centre[0] + reach);
      x++
    ) {
      const [dx, dy] = [x - centre[0], y - centre[1]];
      if (Math.abs(dx * cos + dy * sin) > box.width / 2 + 1e-9) continue;
      if (Math.abs(dy * cos - dx * sin) > box.height / 2 + 1e-9) continue;
      total += values[y * width + x] ?? 0;
      count++;
    }
  return count === 0 ? 0 : total / count;
}

/** `probability` is the mean within the box before it is grown. */
export type ScoredBox = { box: Quad; probability: number };

export const detectBoxes = (map: ProbabilityMap): Quad[] => scoredBoxes(map).map(({ box }) => box);

export function scoredBoxes(map: ProbabilityMap): ScoredBox[] {
  const boxes: ScoredBox[] = [];
  for (const pixels of components(map)) {
    const box = smallestRectangle(ends(pixels));
    if (box === null || Math.min(box.width, box.height) < LEAST_SIDE) continue;
    const probability = meanWithin(map, box);
    if (probability < BOX_THRESHOLD) continue;
    const growth = (box.width * box.height * UNCLIP_RATIO) / (2 * (box.width + box.height));
    const [width, height] = [box.width + 2 * growth, box.height + 2 * growth];
    if (Math.min(width, height) < LEAST_GROWN_SIDE) continue;
    boxes.push({ box: rectangle(box.centre, width, height, box.angle), probability });
  }
  return boxes;
}
