import { encodeHeader } from './header.ts';
import { gammaQuantile } from './poisson.ts';

/**
 * A timed burst: how many hashes a tab does in a second, told from the smallest digests it found (verification: hash
 * work). Nobody can find smaller ones than it hashed for, so the figure is proven, not claimed.
 */

/** Version field of a burst's preimage; its `bits` are zero, so no unit has the same preimage. */
const BURST_VERSION = 1;
const SHARE_BYTES = 8;

/** One digest of a burst: what was put into the time and nonce fields (u32 each). */
export type BurstShare = { time: number; nonce: number };

/** What every digest of a burst is hashed over: 80 bytes, nonce zero. `beacon` and `burstId` are 32 bytes each. */
export const burstPreimage = (
  { beacon, burstId }: { beacon: Uint8Array; burstId: Uint8Array },
  time: number,
): Uint8Array => encodeHeader({ version: BURST_VERSION, previous: beacon, root: burstId, time, bits: 0 }, 0);

/** Shares as they travel: time and nonce as little-endian u32, 8 bytes a share. */
export function packShares(shares: readonly BurstShare[]): Uint8Array {
  const packed = new Uint8Array(SHARE_BYTES * shares.length);
  const view = new DataView(packed.buffer);
  for (const [i, { time, nonce }] of shares.entries()) {
    view.setUint32(SHARE_BYTES * i, time, true);
    view.setUint32(SHARE_BYTES * i + 4, nonce, true);
  }
  return packed;
}

/** The shares in `packed`, or null when it is not a whole number of them. */
export function unpackShares(packed: Uint8Array): BurstShare[] | null {
  if (packed.length % SHARE_BYTES !== 0) return null;
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  return Array.from({ length: packed.length / SHARE_BYTES }, (_, i) => ({
    time: view.getUint32(SHARE_BYTES * i, true),
    nonce: view.getUint32(SHARE_BYTES * i + 4, true),
  }));
}

/** A measured rate and its 95 % interval, in whole hashes per second. */
export type HashRate = { rate: bigint; low: bigint; high: bigint };

/** The estimator's variance is finite from the third digest on. */
export const MIN_ESTIMATE_SHARES = 3;
/** Quantiles travel into integers with this denominator: a millionth is far below any interval's width. */
const SCALE = 1_000_000;
const SPACE = 1n << 256n;

/**
 * The rate behind the `m` smallest digests of `elapsedMs`, the largest of which is `largest` (read as target.ts does):
 * `H = (m−1) · 2^256 / (h_(m) · t)`, unbiased, relative standard deviation `1/√(m−2)`. The interval is exact under
 * `h_(m) · N / 2^256 ~ Gamma(m)`, the law of the m-th event of a Poisson process; N is the number of hashes.
 * Throws RangeError for less than three digests, for no time, and for a digest that is none.
 */
export function estimateRate(m: number, largest: bigint, elapsedMs: number): HashRate {
  if (!(Number.isInteger(m) && m >= MIN_ESTIMATE_SHARES))
    throw new RangeError(`m: expected at least ${MIN_ESTIMATE_SHARES} digests`);
  if (!(elapsedMs > 0 && elapsedMs < 2 ** 40)) throw new RangeError('elapsedMs: expected a time above zero');
  if (largest < 0n || largest >= SPACE) throw new RangeError('largest: expected 0 to 2^256-1');
  const elapsedUs = BigInt(Math.max(1, Math.round(elapsedMs * 1000)));
  // Digests from 0 to `largest` are `largest + 1` values of 2^256.
  const divisor = (largest + 1n) * elapsedUs * BigInt(SCALE);
  const hashesPerSecond = (events: number): bigint =>
    (BigInt(Math.round(events * SCALE)) * SPACE * 1_000_000n) / divisor;
  return {
    rate: hashesPerSecond(m - 1),
    low: hashesPerSecond(gammaQuantile(m, 0.025)),
    high: hashesPerSecond(gammaQuantile(m, 0.975)),
  };
}

/** Relative standard deviation of a rate that was told from `m` digests. */
export const rateDeviation = (m: number): number => 1 / Math.sqrt(m - 2);
