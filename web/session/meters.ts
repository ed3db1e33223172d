import type { StateStore } from '../state/store.ts';
import { HashRate, PerMinute } from './rates.ts';

const TICK_MS = 500;

/** The live figures of a run: hash rate, inferences per minute and the round trip, written twice a second. */
export class Meters {
  readonly #state: StateStore;
  readonly #hashes = new HashRate();
  readonly #inferences = new PerMinute();
  readonly #timer: ReturnType<typeof setInterval>;
  /** Where the round trip comes from while there is a connection. */
  roundTrip: (() => number | null) | null = null;

  constructor(state: StateStore) {
    this.#state = state;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  hashed(count: number, elapsedMs: number): void {
    this.#hashes.add(count, elapsedMs, performance.now());
  }

  inferred(): void {
    this.#inferences.add(performance.now());
  }

  /** Ends the figures at zero. */
  stop(): void {
    clearInterval(this.#timer);
    this.#state.update({ rates: { hashesPerSecond: 0, inferencesPerMinute: 0 } });
  }

  #tick(): void {
    const nowMs = performance.now();
    const { rates, connection } = this.#state.current;
    const next = { hashesPerSecond: this.#hashes.at(nowMs), inferencesPerMinute: this.#inferences.at(nowMs) };
    if (
      next.hashesPerSecond !== rates.hashesPerSecond ||
      next.inferencesPerMinute !== rates.inferencesPerMinute
    ) {
      this.#state.update({ rates: next });
    }
    const roundTripMs = this.roundTrip?.() ?? null;
    if (roundTripMs !== null && roundTripMs !== connection.roundTripMs) {
      this.#state.update({ connection: { ...connection, roundTripMs } });
    }
  }
}
