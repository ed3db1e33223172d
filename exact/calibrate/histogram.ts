/** Bits of the significand that a bin keeps, and the exponents that are told apart: 2^-20 to 2^20, around which all is counted. */
const FINE = 4;
const LEAST = 2 ** -20;
const MOST = 2 ** 20;

const words = new Float32Array(1);
const bits = new Uint32Array(words.buffer);
const keyOf = (magnitude: number): number => {
  words[0] = Math.min(MOST, magnitude);
  return (bits[0] ?? 0) >>> (23 - FINE);
};
const FIRST = keyOf(LEAST);
const BINS = keyOf(MOST) - FIRST + 1;

/**
 * Counts float32 values by sign, exponent and the first bits of the significand: one pass suffices whatever the range is, and a
 * bin is 1/16 of its value wide. Zeros are left out, since every grid holds them.
 */
export class Histogram {
  readonly #counts = new Uint32Array(2 * BINS);
  /** Sum of squares, sum, and how many there were with zeros. */
  squares = 0;
  sum = 0;
  count = 0;

  add(values: Float32Array, from = 0, to = values.length): void {
    const raw = new Uint32Array(values.buffer, values.byteOffset, values.length);
    let squares = 0;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const value = values[i] ?? 0;
      squares += value * value;
      sum += value;
      const word = raw[i] ?? 0;
      const key = ((word & 0x7f_ff_ff_ff) >>> (23 - FINE)) - FIRST;
      if (key < 0) continue;
      const bin = Math.min(key, BINS - 1) + (word >>> 31) * BINS;
      this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    }
    this.squares += squares;
    this.sum += sum;
    this.count += to - from;
  }

  /** Values at the middle of their bins, in no order. */
  bins(): { value: number; count: number }[] {
    const bins: { value: number; count: number }[] = [];
    for (let bin = 0; bin < 2 * BINS; bin++) {
      const count = this.#counts[bin] ?? 0;
      if (count === 0) continue;
      bits[0] = (((bin % BINS) + FIRST) << (23 - FINE)) + (1 << (22 - FINE));
      const value = words[0] ?? 0;
      bins.push({ value: bin < BINS ? value : -value, count });
    }
    return bins;
  }
}

/** Of several histograms together. */
export function merged(all: readonly Histogram[]): { value: number; count: number }[] {
  const counts = new Map<number, number>();
  for (const histogram of all)
    for (const { value, count } of histogram.bins()) counts.set(value, (counts.get(value) ?? 0) + count);
  return [...counts].map(([value, count]) => ({ value, count }));
}
