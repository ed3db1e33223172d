/**
 * Counts float32 values by their upper 16 bits (sign, exponent, 7 bits of the significand), so that one pass suffices whatever
 * the range is, and a bin is at most 1/128 of its value wide.
 */
export class Histogram {
  readonly #counts = new Float64Array(2 ** 16);

  add(values: Float32Array): void {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < bits.length; i++) {
      const bin = (bits[i] ?? 0) >>> 16;
      this.#counts[bin] = (this.#counts[bin] ?? 0) + 1;
    }
  }

  /** Ascending; values at the middle of their bins. Zeros are left out: every grid holds them. */
  bins(): { value: number; count: number }[] {
    const view = new DataView(new ArrayBuffer(4));
    const bins: { value: number; count: number }[] = [];
    for (let bin = 0; bin < this.#counts.length; bin++) {
      const count = this.#counts[bin] ?? 0;
      if (count === 0) continue;
      view.setUint32(0, bin * 2 ** 16 + 2 ** 15);
      const value = view.getFloat32(0);
      if (Number.isFinite(value) && Math.abs(value) > 1e-30) bins.push({ value, count });
    }
    return bins.sort((a, b) => a.value - b.value);
  }
}
