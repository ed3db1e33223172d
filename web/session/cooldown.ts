/** After a unit that this device could not run, work is asked for again after 1 s, 2 s, 4 s … up to this. */
const MAX_MS = 60_000;
const FIRST_MS = 1_000;

/** The time in which no work is taken, after something went wrong with the last. */
export class Cooldown {
  readonly #onOver: () => void;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(onOver: () => void) {
    this.#onOver = onOver;
  }

  get active(): boolean {
    return this.#timer !== null;
  }

  /** A unit failed here: each failure in a row doubles the wait. */
  failed(): void {
    this.#failures += 1;
    this.#wait(Math.min(MAX_MS, FIRST_MS * 2 ** (this.#failures - 1)));
  }

  /** A unit was run: the next failure is the first again. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** A short wait that is nobody's failure. Does not cut a longer one short. */
  rest(): void {
    if (this.#timer === null) this.#wait(FIRST_MS);
  }

  #wait(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#onOver();
    }, ms);
  }
}
