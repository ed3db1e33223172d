/**
 * Bitcoin's compact target encoding ("nBits"): exponent byte, then a 23-bit mantissa.
 * Source: Bitcoin Core `arith_uint256::SetCompact`.
 */
export function targetFromBits(bits: number): bigint {
  const exponent = bits >>> 24;
  const mantissa = BigInt(bits & 0x007f_ffff);
  if ((bits & 0x0080_0000) !== 0 && mantissa !== 0n) throw new RangeError('bits: negative target');
  const target =
    exponent <= 3 ? mantissa >> BigInt(8 * (3 - exponent)) : mantissa << BigInt(8 * (exponent - 3));
  if (target >= 1n << 256n) throw new RangeError('bits: target above 2^256');
  return target;
}

/** The compact form of `target`, rounded down to its 23-bit mantissa. */
export function bitsFromTarget(target: bigint): number {
  if (target < 0n || target >= 1n << 256n) throw new RangeError('target: expected 0 to 2^256-1');
  let size = Math.ceil(target.toString(2).length / 8);
  let mantissa =
    size <= 3 ? Number(target) * 2 ** (8 * (3 - size)) : Number(target >> BigInt(8 * (size - 3)));
  if (mantissa & 0x0080_0000) {
    mantissa >>>= 8;
    size += 1;
  }
  return ((size << 24) | mantissa) >>> 0;
}

/** Expected hashes per share at `target`: floor(2^256 / (target + 1)). Source: Bitcoin Core `GetBlockProof`. */
export const hashesPerShare = (target: bigint): bigint => (1n << 256n) / (target + 1n);

/** A digest read as Bitcoin reads it: 256-bit little-endian. */
export function digestToNumber(digest: Uint8Array): bigint {
  let value = 0n;
  for (let i = digest.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(digest[i] ?? 0);
  return value;
}
