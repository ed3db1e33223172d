/**
 * As many different images as are wanted from a few, by whole numbers alone, so that Node and a page make the same ones without
 * sending them: a base image rolled sideways, brighter or darker, with noise of its own.
 */
export type Bases = {
  /** Pixels of each base image, 0 to 255, [planes, height, width]. */
  images: readonly Uint8Array[];
  planes: number;
  height: number;
  width: number;
};

/** Marsaglia's xorshift, 2003: shifts 13, 17, 5. Never 0 when it did not start there. */
function next(state: number): number {
  let x = state;
  x ^= x << 13;
  x ^= x >>> 17;
  return x ^ (x << 5);
}

/** Writes image `index` into `target` at `at`. The first of them are the bases themselves. */
export function writeVariant(bases: Bases, index: number, target: Float32Array, at: number): void {
  const base = bases.images[index % bases.images.length];
  if (base === undefined) throw new RangeError('bases: there are none');
  if (index < bases.images.length) {
    target.set(base, at);
    return;
  }
  const { width } = bases;
  // A few steps, since neighbouring seeds begin alike.
  let state = Math.imul(index + 1, 0x9e3779b1) | 1;
  for (let i = 0; i < 4; i++) state = next(state);
  const roll = (state >>> 8) % width;
  const brighter = ((state >>> 16) % 41) - 20;
  const noise = (state >>> 24) % 24;
  for (let row = 0; row < base.length; row += width) {
    for (let x = 0; x < width; x++) {
      state = next(state);
      const from = x + roll < width ? x + roll : x + roll - width;
      const pixel = (base[row + from] ?? 0) + brighter + (((state >>> 16) % (2 * noise + 1)) - noise);
      target[at + row + x] = pixel < 0 ? 0 : pixel > 255 ? 255 : pixel;
    }
  }
}
