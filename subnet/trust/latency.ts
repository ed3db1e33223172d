/** The factor of a tab that always answers in good time. */
export const LATENCY_ONE = 65_536;
/** A lease counts for 1/32 of the factor: a bad hour is felt, and forgotten after some hundred leases. */
const SHARE = 32;

/**
 * What one lease says: answered within the first half of its deadline 1, in the second half 1/2, not at all 0. Deadlines
 * leave a slow tab several times the time it needs, so that a slow tab that answers loses nothing.
 */
export function latencyMark(tookMs: number, deadlineMs: number): number {
  if (tookMs > deadlineMs) return 0;
  return 2 * tookMs <= deadlineMs ? LATENCY_ONE : LATENCY_ONE / 2;
}

/** The moving average after one more lease, in integers, so that every machine gets the same: parts of 65,536. */
export function nextLatency(factor: number, mark: number): number {
  const step = (mark - factor) / SHARE;
  return factor + (step > 0 ? Math.ceil(step) : Math.floor(step));
}
