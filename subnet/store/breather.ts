import { setImmediate } from 'node:timers/promises';

/** Longest piece of work between two turns of the event loop. */
const PIECE_MS = 5;

/** Call between the steps of a long piece of work: lets the event loop have its turn where it has waited long enough. */
export type Breather = () => Promise<void>;

/** SQLite answers at once, so that a row of awaited queries is one long turn unless it is broken up. */
export function breather(): Breather {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < PIECE_MS) return;
    await setImmediate();
    since = performance.now();
  };
}
