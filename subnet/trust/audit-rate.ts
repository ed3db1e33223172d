/** 2^256 − 1: the threshold of certainty, up to one part in 2^256. */
export const ALL = (1n << 256n) - 1n;
const PPM = 1_000_000n;

export type RatePolicy = {
  /** κ: how many times over an expected loss outweighs what a cheat saves. */
  auditKappa: number;
  auditFloorPpm: number;
};

/** The probability of an audit: for people in parts per million, and as the coin's threshold. */
export type AuditRate = {
  ppm: number;
  /** P, a 256-bit integer; 32 bytes big-endian in a receipt. */
  threshold: Uint8Array;
};

/**
 * p = min(1, max(floor, κ · s / (d · (s + E)))) in integers, with d = 1: whatever an audit compares it recomputes whole. `work`
 * is s, what a cheat would save and what it is paid; `escrow` is E, the unvested work of the peer in that kind. Cheating
 * costs p · E on average and gains s, so that with κ = 3 it loses about three times what it gains (verification.md).
 */
export function auditRate(policy: RatePolicy, work: bigint, escrow: bigint): AuditRate {
  const floor = (ALL * BigInt(policy.auditFloorPpm)) / PPM;
  const wanted = BigInt(policy.auditKappa) * work;
  const whole = work + escrow;
  // A unit without work earns nothing, so there is nothing to gain from cheating at it.
  const rate = whole === 0n ? 0n : wanted >= whole ? ALL : (ALL * wanted) / whole;
  return rateOf(rate > floor ? rate : floor);
}

/** Every unit is audited. */
export const certainly = (): AuditRate => rateOf(ALL);

function rateOf(threshold: bigint): AuditRate {
  return { ppm: Number((threshold * PPM + ALL / 2n) / ALL), threshold: toBytes(threshold) };
}

const toBytes = (threshold: bigint): Uint8Array =>
  Uint8Array.from(Buffer.from(threshold.toString(16).padStart(64, '0'), 'hex'));
