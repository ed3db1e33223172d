import { createHash } from 'node:crypto';
import type { UnitOf } from '../../../protocol/kinds/registry.ts';
import { hashesPerShare, targetFromBits } from '../../../protocol/target.ts';

/** Nonces `start` to `start + count - 1`. */
export type NonceRange = { start: number; count: number };

/** λ: the shares a unit's whole range holds on average; their number is Poisson. */
export const expectedShares = ({ spec, input }: UnitOf<'hash'>): number =>
  input.nonceCount / Number(hashesPerShare(targetFromBits(spec.bits)));

/**
 * Probability that a rescan of the fraction `f` of a range finds a share missing when the fraction `q` of it was skipped
 * and `lambda` shares are expected in the whole: `1 − e^(−q f λ)`.
 */
export const rescanDetection = (q: number, f: number, lambda: number): number => -Math.expm1(-q * f * lambda);

/**
 * Pieces a rescan is spread over. One piece in one place would miss a skip of the other half every other time; many make
 * the part of the rescan that meets the skip what `q` says, wherever the skip lies.
 */
const PIECES = 64;

/**
 * The nonces to rescan: about `count` of the range (all of it when it is no larger), in pieces, one in each of as many
 * equal parts of the range, at a place that only `seed` (32 secret bytes) tells. Every nonce of a part is as likely as any
 * other: a piece that leaves its part at the end goes on at its beginning. Ascending, without overlap.
 */
export function sampleRange(seed: Uint8Array, range: NonceRange, count: number): NonceRange[] {
  if (count >= range.count) return [range];
  const pieces = Math.min(PIECES, count);
  const size = Math.floor(count / pieces);
  const sample: NonceRange[] = [];
  for (let i = 0; i < pieces; i++) {
    const begin = Math.floor((i * range.count) / pieces);
    const part = Math.floor(((i + 1) * range.count) / pieces) - begin;
    const at = offsetOf(seed, i, part);
    const first = Math.min(size, part - at);
    const start = range.start + begin;
    if (first < size) sample.push({ start, count: size - first });
    sample.push({ start: start + at, count: first });
  }
  return sample;
}

/** A number below `bound` (at most 2^32), uniform to one part in 2^16. */
function offsetOf(seed: Uint8Array, piece: number, bound: number): number {
  const digest = createHash('sha256')
    .update('gridtab/rescan/1')
    .update(seed)
    .update(Uint8Array.of(piece))
    .digest();
  return digest.readUIntBE(0, 6) % bound;
}
