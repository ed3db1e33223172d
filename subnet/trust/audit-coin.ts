import { createHmac, createHash } from 'node:crypto';

/** 2^256 − 1: the threshold of certainty, up to one part in 2^256. */
const ALL = (1n << 256n) - 1n;

/**
 * The epoch's audit key K_e (32 bytes), from the validator's audit secret: nothing to store, the same after a restart, and
 * publishing one key tells nothing about the next.
 */
export const auditKey = (secret: Uint8Array, epoch: number): Uint8Array =>
  new Uint8Array(createHmac('sha256', secret).update(`gridtab/audit-key/1/${epoch}`).digest());

/** sha256(K_e), published when the epoch begins. */
export const auditCommitment = (key: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(key).digest());

/** P for an audit probability given in parts per million: 32 bytes, big-endian. */
export function auditThreshold(ppm: number): Uint8Array {
  const threshold = (ALL * BigInt(ppm)) / 1_000_000n;
  return Uint8Array.from(Buffer.from(threshold.toString(16).padStart(64, '0'), 'hex'));
}

/**
 * The coin of one result: `HMAC-SHA-256(K_e, taskId ‖ digest) < P`. The tab has committed to the digest before the coin
 * exists, and cannot compute it, since K_e is secret until the epoch has vested.
 */
export function drawAudit(
  key: Uint8Array,
  taskId: Uint8Array,
  digest: Uint8Array,
  threshold: Uint8Array,
): boolean {
  const coin = createHmac('sha256', key).update(taskId).update(digest).digest();
  return Buffer.compare(coin, threshold) < 0;
}
