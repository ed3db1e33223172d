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

/** d of an audit that recomputes everything it compares, in parts per million. */
export const WHOLE_PPM = 1_000_000;

/**
 * p = min(1, max(floor, κ · s / (d · (s + E)))) in integers. `work` is s, what a cheat would save and what it is paid; `escrow`
 * is E, the unvested work of the peer in that kind; `detectionPpm` is d, the probability that an audit of a cheated unit finds it
 * out, 1 wherever it is recomputed whole. Cheating costs p · d · E on average and gains s, so that with κ = 3 it loses about three
 * times what it gains (verification.md).
 */
export function auditRate(
  policy: RatePolicy,
  work: bigint,
  escrow: bigint,
  detectionPpm: number = WHOLE_PPM,
): AuditRate {
  const floor = (ALL * BigInt(policy.auditFloorPpm)) / PPM;
  const wanted = BigInt(policy.auditKappa) * work * PPM;
  const whole = (work + escrow) * BigInt(detectionPpm);
  // A unit without work earns nothing, so there is nothing to gain from cheating at it.
  const rate = work === 0n ? 0n : wanted >= whole ? ALL : (ALL * wanted) / whole;
  return rateOf(rate > floor ? rate : floor);
}

/** Every unit is audited. */
export const certainly = (): AuditRate => rateOf(ALL);

function rateOf(threshold: bigint): AuditRate {
  return { ppm: Number((threshold * PPM + ALL / 2n) / ALL), threshold: toBytes(threshold) };
}

const toBytes = (threshold: bigint): Uint8Array =>
  Uint8Array.from(Buffer.from(threshold.toString(16).padStart(64, '0'), 'hex'));
