import { createHmac, createHash, hash } from 'node:crypto';

/**
 * The epoch's audit key K_e (32 bytes), from the validator's audit secret: nothing to store, the same after a restart, and
 * publishing one key tells nothing about the next.
 */
export const auditKey = (secret: Uint8Array, epoch: number): Uint8Array =>
  new Uint8Array(createHmac('sha256', secret).update(`gridtab/audit-key/1/${epoch}`).digest());

/** sha256(K_e), published when the epoch begins; K_e itself follows when everything of the epoch has vested or lapsed. */
export const auditCommitment = (key: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(key).digest());

/**
 * The coin of one result: `HMAC-SHA-256(K_e, taskId ‖ digest) < P`. The tab has committed to the digest before the coin
 * exists, and cannot compute it, since K_e is secret until the epoch has vested. `threshold` is P, 32 bytes big-endian.
 */
export const drawAudit = (
  key: Uint8Array,
  taskId: Uint8Array,
  digest: Uint8Array,
  threshold: Uint8Array,
): boolean => Buffer.compare(coin(key, taskId, digest, ''), threshold) < 0;

/**
 * The second coin of a unit, tossed before it vests by age: whoever leaves is audited as often again at the end as while
 * it was here.
 */
export const drawLateAudit = (
  key: Uint8Array,
  taskId: Uint8Array,
  digest: Uint8Array,
  threshold: Uint8Array,
): boolean => Buffer.compare(coin(key, taskId, digest, 'late'), threshold) < 0;

/** A validator's coin for a unit that another one accepted: it falls so in `ppm` of a million. */
export function drawCrossAudit(
  key: Uint8Array,
  taskId: Uint8Array,
  digest: Uint8Array,
  ppm: number,
): boolean {
  const first = new DataView(new Uint8Array(coin(key, taskId, digest, 'cross')).buffer).getUint32(0);
  return BigInt(first) * 1_000_000n < BigInt(ppm) << 32n;
}

/** 32 secret bytes of one result: which part is looked at where an audit looks at a part. */
export const auditSeed = (key: Uint8Array, taskId: Uint8Array, digest: Uint8Array): Uint8Array =>
  new Uint8Array(coin(key, taskId, digest, 'seed'));

const coin = (
  key: Uint8Array,
  taskId: Uint8Array,
  digest: Uint8Array,
  purpose: '' | 'late' | 'seed' | 'cross',
): Buffer => hmacSha256(key, [taskId, digest, Buffer.from(purpose)]);

/** Bytes of a SHA-256 block. */
const BLOCK = 64;

/**
 * HMAC-SHA-256 (FIPS 198-1) of a key of at most a block, over Node's one-shot hash: a third of the time of `createHmac`, and
 * every result has its coin tossed.
 */
function hmacSha256(key: Uint8Array, parts: readonly Uint8Array[]): Buffer {
  const inner = Buffer.alloc(BLOCK, 0x36);
  const outer = Buffer.alloc(BLOCK, 0x5c);
  for (const [i, byte] of key.entries()) {
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  const digest = hash('sha256', Buffer.concat([inner, ...parts]), 'buffer');
  return hash('sha256', Buffer.concat([outer, digest]), 'buffer');
}
