/** How often a watched call is looked at. */
const TICK_MS = 2_000;

/**
 * Fires when nothing is heard for `limitMs` while something is awaited. Counts ticks, not the clock: a laptop that was
 * shut for an hour has not waited for an hour.
 */
export class Watchdog {
  readonly #onSilence: (silentMs: number) => void;
  #limitMs = Number.POSITIVE_INFINITY;
  #silentMs = 0;
  #timer: ReturnType<typeof setInterval> | null = null;

  constructor(onSilence: (silentMs: number) => void) {
    this.#onSilence = onSilence;
  }

  /** Watches from now on; `limitMs` replaces the limit before. */
  watch(limitMs: number): void {
    this.#limitMs = limitMs;
    this.#silentMs = 0;
    this.#timer ??= setInterval(() => {
      this.#silentMs += TICK_MS;
      if (this.#silentMs >= this.#limitMs) {
        const silentMs = this.#silentMs;
        this.rest();
        this.#onSilence(silentMs);
      }
    }, TICK_MS);
  }

  /** Something was heard. */
  heard(): void {
    this.#silentMs = 0;
  }

  rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
