import { createPrivateKey, sign } from 'node:crypto';
import type { Signer } from '../../protocol/sign.ts';

/** PKCS #8 of an Ed25519 key up to its 32-byte seed (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Ed25519 by Node's own implementation: the same signatures as from the seed (RFC 8032 is deterministic), ten times as fast. */
export function nativeSigner(seed: Uint8Array): Signer {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  return (message) => new Uint8Array(sign(null, message, key));
}
