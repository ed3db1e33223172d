/** First and longest wait between attempts to connect (design: 1 s to 60 s). */
export const MIN_WAIT_MS = 1_000;
export const MAX_WAIT_MS = 60_000;

/**
 * Jittered exponential backoff: the n-th wait is drawn from the upper half of 1 s · 2^n, capped at 60 s. The jitter
 * keeps a fleet from coming back in the same second; the lower bound keeps a fast failure from becoming a busy loop.
 */
export class Backoff {
  readonly #random: () => number;
  #attempts = 0;

  /** @param random draws from [0, 1). */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Failures since the last success. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Counts a failure; how long to wait now, in milliseconds. */
  next(): number {
    const ceiling = Math.min(MAX_WAIT_MS, MIN_WAIT_MS * 2 ** Math.min(this.#attempts, 16));
    this.#attempts += 1;
    return Math.max(MIN_WAIT_MS / 2, Math.round(ceiling * (0.5 + this.#random() / 2)));
  }

  reset(): void {
    this.#attempts = 0;
  }
}

/** Waits `ms`, or until `wake` fires its event (the network is back), or until `signal` aborts. Never rejects. */
export async function waitFor(
  ms: number,
  signal: AbortSignal,
  wake?: { target: EventTarget; event: string },
): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      wake?.target.removeEventListener(wake.event, done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    wake?.target.addEventListener(wake.event, done);
  });
}
