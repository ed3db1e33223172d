import type { WorkerEvent } from './contract.ts';

/** About twice a second is what a person can read. */
const INTERVAL_MS = 500;

/** Turns hashes as they are done into `hashes` events about twice a second. */
export class HashMeter {
  readonly #emit: (event: WorkerEvent) => void;
  #count = 0;
  #sinceMs = 0;

  constructor(emit: (event: WorkerEvent) => void) {
    this.#emit = emit;
  }

  /** A search begins: the time before it was not spent hashing. */
  begin(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  add(count: number, nowMs: number): void {
    this.#count += count;
    if (nowMs - this.#sinceMs >= INTERVAL_MS) this.flush(nowMs);
  }

  /** Reports what is left; call when a search ends. */
  flush(nowMs: number): void {
    if (this.#count > 0) this.#emit({ type: 'hashes', count: this.#count, elapsedMs: nowMs - this.#sinceMs });
    this.#count = 0;
    this.#sinceMs = nowMs;
  }
}
