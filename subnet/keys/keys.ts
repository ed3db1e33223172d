import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { join } from 'node:path';
import type { PeerId } from '../../protocol/ids.ts';
import { loadOrCreateSeed, type KeyNotices } from './key-file.ts';
import { loadOrCreateToken } from './token-file.ts';

/** Every lasting secret of a node but its audit keys. */
export type Keys = {
  /** Ed25519 seed, 32 bytes: signs the manifest. Its public key is the subnet. */
  ownerSeed: Uint8Array;
  /** Ed25519 seed, 32 bytes: signs addresses, receipts and epochs. */
  validatorSeed: Uint8Array;
  /** The peer id of `validatorSeed`. */
  validatorPeer: PeerId;
  /** `validatorSeed` as libp2p takes it. */
  validatorKey: PrivateKey;
  /** Bearer token of the HTTP API. */
  adminToken: string;
};

export const KEY_FILES = {
  owner: 'owner.key',
  validator: 'validator.key',
  adminToken: 'admin.token',
} as const;

const SILENT: KeyNotices = { warn: () => undefined, info: () => undefined };

/**
 * Reads a node's keys from `dir`, making those that are missing (mode 0600, atomically). A file that is there is never
 * replaced: one that is damaged, truncated or unreadable throws a SecretFileError that names it.
 */
export async function loadOrCreateKeys(dir: string, notices: KeyNotices = SILENT): Promise<Keys> {
  const ownerSeed = await loadOrCreateSeed(join(dir, KEY_FILES.owner), notices);
  const validatorSeed = await loadOrCreateSeed(join(dir, KEY_FILES.validator), notices);
  const adminToken = await loadOrCreateToken(join(dir, KEY_FILES.adminToken), notices);
  const validatorKey = await generateKeyPairFromSeed('Ed25519', validatorSeed);
  const validatorPeer = peerIdFromPrivateKey(validatorKey).toString() as PeerId;
  return { ownerSeed, validatorSeed, validatorPeer, validatorKey, adminToken };
}
