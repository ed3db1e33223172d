import { MAX_SHARES } from '../../../protocol/limits.ts';
import { bitsFromTarget } from '../../../protocol/target.ts';

/** How large a hash unit is. */
export type HashSize = {
  /** Compact share target. */
  bits: number;
  /** Nonces from zero on; at most 2^32. */
  nonceCount: number;
};

/** Time a unit should take a tab: rare enough for MESSAGES_PER_SECOND, short enough for a lease to be handed back. */
const UNIT_SECONDS = 2;
/** Relative spread of the share count is 1/√16 = 25 %: enough to be paid evenly, few enough to check in microseconds. */
export const EXPECTED_SHARES = 16;
/** What plain JavaScript does on a slow phone in a tenth of a second; a claim below gets no smaller units. */
const MIN_NONCES = 2 ** 14;
const MAX_NONCES = 2 ** 32;

/**
 * The compact target of which `nonceCount` hashes reach `shares` on average: never easier than asked, since the mantissa is
 * rounded down.
 */
export function bitsForShares(nonceCount: number, shares: number): number {
  if (!(shares > 0 && shares <= MAX_SHARES / 2))
    throw new RangeError(`shares: expected up to ${MAX_SHARES / 2}`);
  if (!(Number.isInteger(nonceCount) && nonceCount >= shares))
    throw new RangeError('nonceCount: fewer nonces than shares');
  return bitsFromTarget(
    ((1n << 256n) * BigInt(Math.round(shares * 1024))) / (BigInt(nonceCount) * 1024n) - 1n,
  );
}

/**
 * The size for a tab that claims `hashesPerSecond`: the power of two of nonces that comes next above UNIT_SECONDS of work.
 * Any number will do: what is not one counts as the slowest, what is absurd as the fastest.
 */
export function sizeFor(hashesPerSecond: number): HashSize {
  const wanted = Number.isNaN(hashesPerSecond) ? 0 : hashesPerSecond * UNIT_SECONDS;
  let nonceCount = MIN_NONCES;
  while (nonceCount < wanted && nonceCount < MAX_NONCES) nonceCount *= 2;
  return { bits: bitsForShares(nonceCount, EXPECTED_SHARES), nonceCount };
}
