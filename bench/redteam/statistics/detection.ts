/** 2^256, over which a threshold of the audit coin is a probability. */
const ONE = 1n << 256n;

/** The probability that an audit threshold P (32 bytes, big-endian) stands for; exact to a double. */
export function probabilityOf(threshold: Uint8Array): number {
  let value = 0n;
  for (const byte of threshold) value = (value << 8n) | BigInt(byte);
  return Number((value * (1n << 52n)) / ONE) / 2 ** 52;
}

/**
 * Chance that at least one of some forged units is found out: 1 − Π(1 − p_i · d), with each unit's own audit probability and
 * the detection `d` given an audit (verification.md, "Sampling mathematics").
 */
export const predictedDetection = (probabilities: readonly number[], d = 1): number =>
  1 - probabilities.reduce((missed, p) => missed * (1 - p * d), 1);
