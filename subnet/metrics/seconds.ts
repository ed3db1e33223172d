/** No lease lives longer than a quarter of an hour: a tab that says more is not believed, or one word of it would swamp the sum. */
const MAX_MS = 15 * 60_000;

/** A number that a counter takes: counters throw on what is not finite or negative, and no event may throw. */
export const countable = (value: number): number => (Number.isFinite(value) && value > 0 ? value : 0);

/** Milliseconds, perhaps by a tab's word, as seconds to add to a counter. */
export const seconds = (ms: number): number => Math.min(countable(ms), MAX_MS) / 1000;
