/** When the reference runs an epoch and when a hidden vote may be shown (yuma.md 2 and 3). */

/** Blocks until the next epoch that runs by itself; null when none ever does (tempo 0). */
export const blocksUntilEpoch = (lastEpoch: number, tempo: number, block: number): number | null =>
  tempo === 0 ? null : Math.max(0, lastEpoch + tempo - block);

export const REVEAL_LIMITS = {
  /** Commits of one validator that wait for their reveal. */
  maxUnrevealed: 10,
  /** Epochs between commit and reveal. */
  periodMin: 1,
  periodMax: 100,
} as const;

/** May a commit of so many epochs ago be revealed now? Only in exactly the epoch it was made for. */
export const revealWindow = (period: number, epochsSince: number): 'too_early' | 'ok' | 'expired' =>
  epochsSince < period ? 'too_early' : epochsSince === period ? 'ok' : 'expired';
