import { waitFor } from '../peer/backoff.ts';

/** A hello that failed on a connection that lives is said again after this. */
const RETRY_MS = 5_000;

/** Tells something one at a time: what changes meanwhile is told once more after, and what failed is tried again. */
export class News {
  readonly #say: () => Promise<boolean>;
  readonly #signal: AbortSignal;
  readonly #retryMs: number;
  #due = false;
  #telling = false;

  /** `say` tells the newest there is; true when it was heard. It never rejects. */
  constructor(say: () => Promise<boolean>, signal: AbortSignal, retryMs: number = RETRY_MS) {
    this.#say = say;
    this.#signal = signal;
    this.#retryMs = retryMs;
  }

  tell(): void {
    this.#due = true;
    if (!this.#telling) void this.#go();
  }

  async #go(): Promise<void> {
    this.#telling = true;
    while (this.#due && !this.#signal.aborted) {
      this.#due = false;
      if (await this.#say()) continue;
      this.#due = true;
      await waitFor(this.#retryMs, this.#signal);
    }
    this.#telling = false;
  }
}
