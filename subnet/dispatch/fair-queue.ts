/**
 * Runs work of many peers, so many at a time, one peer after the other: whoever sends a hundred waits for its own
 * ninety-nine, and everybody else for one. Unbounded by itself; what a peer may put in is bounded by its leases.
 */
export class FairQueue {
  readonly #waiting = new Map<string, (() => void)[]>();
  #free: number;

  constructor(concurrency: number) {
    this.#free = concurrency;
  }

  /** How many wait. */
  get waiting(): number {
    return [...this.#waiting.values()].reduce((sum, line) => sum + line.length, 0);
  }

  async run<T>(peer: string, work: () => Promise<T>): Promise<T> {
    await this.#turn(peer);
    try {
      return await work();
    } finally {
      this.#free += 1;
      this.#next();
    }
  }

  #turn(peer: string): Promise<void> {
    return new Promise((resolve) => {
      const line = this.#waiting.get(peer);
      if (line === undefined) this.#waiting.set(peer, [resolve]);
      else line.push(resolve);
      this.#next();
    });
  }

  #next(): void {
    if (this.#free === 0) return;
    const [first] = this.#waiting;
    if (first === undefined) return;
    const [peer, line] = first;
    const go = line.shift();
    // To the end of the round, for the peer's next one.
    this.#waiting.delete(peer);
    if (line.length > 0) this.#waiting.set(peer, line);
    this.#free -= 1;
    go?.();
  }
}
