/**
 * Chromium blocks WebGPU for a site after two losses by GPU crash within two minutes; a third request would fail anyway
 * and a driver that keeps crashing takes the person's desktop with it.
 */
const MAX_LOSSES = 2;
/** Losses that are older do not count: a laptop that sleeps each night loses its device each night. */
const WINDOW_MS = 10 * 60_000;
/** A driver that was reset needs a moment; the second wait is longer. */
const BACKOFF_MS = [500, 3000];

/** Decides whether a lost device is asked for again. */
export class LossPolicy {
  #losses: number[] = [];

  /** Call at each loss: milliseconds to wait before the next device, or null to give WebGPU up. */
  delayAfterLoss(nowMs: number): number | null {
    this.#losses = [...this.#losses.filter((at) => nowMs - at < WINDOW_MS), nowMs];
    if (this.#losses.length > MAX_LOSSES) return null;
    return BACKOFF_MS[this.#losses.length - 1] ?? null;
  }
}
