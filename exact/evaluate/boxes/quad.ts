/** Points in pixels, x to the right, y down. */
export type Point = readonly [x: number, y: number];
/** A rectangle at any angle: its corners in order around it. */
export type Quad = readonly [Point, Point, Point, Point];

const cross = ([ax, ay]: Point, [bx, by]: Point, [cx, cy]: Point): number =>
  (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);

/** Of a polygon whose corners are in order, positive whichever way around. */
export function area(polygon: readonly Point[]): number {
  let twice = 0;
  for (const [i, [x, y]] of polygon.entries()) {
    const [nextX, nextY] = polygon[(i + 1) % polygon.length] ?? [x, y];
    twice += x * nextY - nextX * y;
  }
  return Math.abs(twice) / 2;
}

/** Corners of the convex hull (Andrew's monotone chain). */
export function hull(points: readonly Point[]): Point[] {
  const sorted = points.toSorted(([ax, ay], [bx, by]) => ax - bx || ay - by);
  const half = (all: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const point of all) {
      for (;;) {
        const [before, last] = [chain.at(-2), chain.at(-1)];
        if (before === undefined || last === undefined || cross(before, last, point) > 0) break;
        chain.pop();
      }
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.toReversed())];
}

/** The rectangle of `width` along `angle` (radians) and `height` across it. */
export function rectangle([x, y]: Point, width: number, height: number, angle: number): Quad {
  const [along, across] = [
    [Math.cos(angle) * (width / 2), Math.sin(angle) * (width / 2)],
    [-Math.sin(angle) * (height / 2), Math.cos(angle) * (height / 2)],
  ] as const;
  const corner = (a: number, b: number): Point => [
    x + a * along[0] + b * across[0],
    y + a * along[1] + b * across[1],
  ];
  return [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)];
}

export type Rectangle = { centre: Point; width: number; height: number; angle: number };

/** The smallest rectangle around points: one of its sides is along one of their hull. Null of no points. */
export function smallestRectangle(points: readonly Point[]): Rectangle | null {
  const corners = hull(points);
  const [only] = points;
  if (only === undefined) return null;
  if (corners.length < 2) return { centre: only, width: 0, height: 0, angle: 0 };
  let best: Rectangle | null = null;
  for (const [i, [x, y]] of corners.entries()) {
    const [nextX, nextY] = corners[(i + 1) % corners.length] ?? [x, y];
    const angle = Math.atan2(nextY - y, nextX - x);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const along = corners.map(([px, py]) => px * cos + py * sin);
    const across = corners.map(([px, py]) => py * cos - px * sin);
    const [left, right] = [Math.min(...along), Math.max(...along)];
    const [top, bottom] = [Math.min(...across), Math.max(...across)];
    const [u, v] = [(left + right) / 2, (top + bottom) / 2];
    const centre: Point = [u * cos - v * sin, u * sin + v * cos];
    if (best === null || (right - left) * (bottom - top) < best.width * best.height)
      best = { centre, width: right - left, height: bottom - top, angle };
  }
  return best;
}

/** What two convex polygons share (Sutherland and Hodgman, 1974). */
function intersection(a: readonly Point[], b: readonly Point[]): Point[] {
  const clockwise = b.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = b[(i + 1) % b.length] ?? [x, y];
    return sum + (nextX - x) * (nextY + y);
  }, 0);
  let left = [...a];
  for (const [i, from] of b.entries()) {
    const to = b[(i + 1) % b.length] ?? from;
    const side = (point: Point): number => cross(from, to, point) * (clockwise > 0 ? -1 : 1);
    const kept: Point[] = [];
    for (const [j, point] of left.entries()) {
      const next = left[(j + 1) % left.length] ?? point;
      const [here, there] = [side(point), side(next)];
      if (here >= 0) kept.push(point);
      if (here * there < 0) {
        const t = here / (here - there);
        kept.push([point[0] + t * (next[0] - point[0]), point[1] + t * (next[1] - point[1])]);
      }
    }
    left = kept;
  }
  return left;
}

/** Intersection over union. */
export function overlap(a: Quad, b: Quad): number {
  const shared = area(intersection(a, b));
  const union = area(a) + area(b) - shared;
  return union === 0 ? 0 : shared / union;
}

/** How many of `given` find a box of `due` of their own with which they overlap by `least`, the closest first. */
export function matched(given: readonly Quad[], due: readonly Quad[], least: number): number {
  const pairs = given
    .flatMap((a, i) => due.map((b, j) => ({ i, j, overlap: overlap(a, b) })))
    .filter((pair) => pair.overlap >= least)
    .sort((a, b) => b.overlap - a.overlap);
  const [takenA, takenB] = [new Set<number>(), new Set<number>()];
  for (const { i, j } of pairs) {
    if (takenA.has(i) || takenB.has(j)) continue;
    takenA.add(i);
    takenB.add(j);
  }
  return takenA.size;
}
