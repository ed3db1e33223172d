import { ed25519 } from '@noble/curves/ed25519.js';
import { peerIdFromString } from '@libp2p/peer-id';
import { toHex } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import type { AccountId, PeerId } from './ids.ts';

/** Ed25519 (RFC 8032) over `dag-cbor({domain, value})`: the domain keeps a signature from being used elsewhere. */
export type Domain =
  | 'gridtab/manifest/1'
  | 'gridtab/address/1'
  | 'gridtab/delegation/1'
  | 'gridtab/receipt/1'
  | 'gridtab/epoch/2'
  | 'gridtab/validators/1'
  | 'gridtab/audit-key/1'
  | 'gridtab/operation/1'
  | 'gridtab/vote-commit/1'
  | 'gridtab/vote-reveal/1';

const message = (domain: Domain, value: unknown): Uint8Array => encodeCbor({ domain, value });

/** Signs bytes with a key it keeps: for a realm with a faster Ed25519 of its own. 64 bytes, the same as from the seed. */
export type Signer = (message: Uint8Array) => Uint8Array;

/** 64-byte signature by a 32-byte Ed25519 seed, or by whoever holds it. */
export const sign = (domain: Domain, value: unknown, key: Uint8Array | Signer): Uint8Array =>
  typeof key === 'function' ? key(message(domain, value)) : ed25519.sign(message(domain, value), key);

/**
 * Checks a signature: for a realm with a faster Ed25519 of its own, which has to accept just what this one does (the rules of
 * ZIP 215), or machines would differ in what they count. May throw on what is no signature or no key.
 */
export type Verifier = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;

/** Whether `signature` is by `publicKey` (32 bytes). Never throws. */
export function verify(
  domain: Domain,
  value: unknown,
  signature: Uint8Array,
  publicKey: Uint8Array,
  verifier: Verifier = ed25519.verify,
): boolean {
  try {
    return verifier(signature, message(domain, value), publicKey);
  } catch {
    return false; // not a curve point, wrong length, or a value that has no encoding
  }
}

export type KeyPair = { seed: Uint8Array; publicKey: Uint8Array };

/** A fresh Ed25519 key pair, or the one of `seed` (32 bytes). */
export function keyPair(seed: Uint8Array = ed25519.utils.randomSecretKey()): KeyPair {
  return { seed, publicKey: ed25519.getPublicKey(seed) };
}

export const accountIdOf = (publicKey: Uint8Array): AccountId => toHex(publicKey) as AccountId;

/** The Ed25519 public key inside a peer id (32 bytes), or null where the peer id holds none. */
export function publicKeyOfPeer(peer: PeerId): Uint8Array | null {
  try {
    const id = peerIdFromString(peer);
    return id.type === 'Ed25519' ? id.publicKey.raw : null;
  } catch {
    return null;
  }
}

/** An account's word that `peer` works for it; without it a rival's name could be put on a cheat. */
export const signDelegation = (peer: PeerId, accountSeed: Uint8Array): Uint8Array =>
  sign('gridtab/delegation/1', { peer }, accountSeed);

export const verifyDelegation = (peer: PeerId, account: Uint8Array, signature: Uint8Array): boolean =>
  verify('gridtab/delegation/1', { peer }, signature, account);
