import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import type { Verifier } from '../../protocol/sign.ts';

/** SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Validators are few; the bound is for keys that strangers send. */
const MAX_KEYS = 1_000;
const keys = new Map<string, KeyObject>();

/** Ed25519 by Node's own implementation: ten times as fast as in plain JavaScript. Throws on what is no key. */
export const nativeVerifier: Verifier = (signature, message, publicKey) => {
  const name = Buffer.from(publicKey).toString('hex');
  let key = keys.get(name);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
    if (keys.size >= MAX_KEYS) keys.clear();
    keys.set(name, key);
  }
  return verify(null, message, key, signature);
};
