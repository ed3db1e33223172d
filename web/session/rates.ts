/** Time constant of the hash rate shown: long enough to be read, short enough to follow a slider. */
const HASH_WINDOW_MS = 10_000;
/** Reports come twice a second; a gap shorter than this is not idleness. */
const REPORT_GAP_MS = 2_000;
/** Inferences are counted over the last minute. */
const MINUTE_MS = 60_000;

/**
 * Hashes per second as an exponential moving average over about 10 s of wall clock. Work that stops decays towards
 * zero, since the time between reports counts as time without hashes.
 */
export class HashRate {
  #perSecond = 0;
  #atMs: number | null = null;

  /** `count` hashes were done since the last call, in `elapsedMs` of work, ending at `nowMs`. */
  add(count: number, elapsedMs: number, nowMs: number): void {
    const spanMs = Math.max(elapsedMs, this.#atMs === null ? elapsedMs : nowMs - this.#atMs, 1);
    const rate = (count / spanMs) * 1000;
    const keep = this.#atMs === null ? 0 : Math.exp(-spanMs / HASH_WINDOW_MS);
    this.#perSecond = this.#perSecond * keep + rate * (1 - keep);
    this.#atMs = nowMs;
  }

  at(nowMs: number): number {
    if (this.#atMs === null) return 0;
    const idleMs = Math.max(0, nowMs - this.#atMs - REPORT_GAP_MS);
    const value = this.#perSecond * Math.exp(-idleMs / HASH_WINDOW_MS);
    return value < 1 ? 0 : value;
  }
}

/** How often something happened in the last minute. */
export class PerMinute {
  readonly #timesMs: number[] = [];

  add(nowMs: number): void {
    this.#timesMs.push(nowMs);
    this.#forget(nowMs);
  }

  at(nowMs: number): number {
    this.#forget(nowMs);
    return this.#timesMs.length;
  }

  #forget(nowMs: number): void {
    let old = 0;
    while ((this.#timesMs[old] ?? Number.POSITIVE_INFINITY) <= nowMs - MINUTE_MS) old += 1;
    this.#timesMs.splice(0, old);
  }
}
