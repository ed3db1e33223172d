/** How much a slice may grow on the one before: a first, unrepresentative measurement must not make a long dispatch. */
const MAX_GROWTH = 2;
/** Weight of the newest measurement; slow enough to ride out a neighbour's burst on shared hardware. */
const SMOOTHING = 0.4;

/** Sizes slices by measured time, so that one takes about `sliceMs` on whatever runs it. */
export class SlicePlanner {
  readonly #sliceMs: number;
  readonly #max: number;
  #count: number;
  #noncesPerMs: number | null = null;

  /** `initial` and `max` are nonces per slice. */
  constructor(options: { sliceMs: number; initial: number; max: number }) {
    this.#sliceMs = options.sliceMs;
    this.#max = options.max;
    this.#count = Math.min(options.initial, options.max);
  }

  /** Nonces of the next slice, at most `remaining`. */
  next(remaining: number): number {
    return Math.min(this.#count, remaining);
  }

  /** A slice of `count` nonces kept the hardware busy for `elapsedMs`. */
  measured(count: number, elapsedMs: number): void {
    // Short last slices are mostly overhead and say nothing of the rate.
    if (count < this.#count / 2) return;
    const rate = count / Math.max(elapsedMs, 0.01);
    this.#noncesPerMs =
      this.#noncesPerMs === null ? rate : this.#noncesPerMs * (1 - SMOOTHING) + rate * SMOOTHING;
    const wanted = this.#noncesPerMs * this.#sliceMs;
    this.#count = Math.max(1, Math.min(this.#max, this.#count * MAX_GROWTH, Math.floor(wanted)));
  }
}
