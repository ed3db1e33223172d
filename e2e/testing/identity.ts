import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { sha256 } from '../../protocol/bytes.ts';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import { accountIdOf, keyPair, signDelegation, type KeyPair } from '../../protocol/sign.ts';

/** A tab's two keys: the peer's, and that of the account it works for. */
export type Identity = {
  label: string;
  privateKey: Ed25519PrivateKey;
  peer: PeerId;
  accountKeys: KeyPair;
  account: AccountId;
  /** The account's word for the peer. */
  delegation: Uint8Array;
};

const seedOf = (label: string): Uint8Array => sha256(new TextEncoder().encode(`gridtab-test/${label}`));

export const accountKeysOf = (label: string): KeyPair => keyPair(seedOf(`${label}/account`));

/** The same label gives the same identity in every run. */
export const identityOf = (label: string): Promise<Identity> =>
  identityFrom(label, seedOf(`${label}/peer`), accountKeysOf(label));

/** The identity of a peer's seed (32 bytes) and an account's keys. */
export async function identityFrom(
  label: string,
  peerSeed: Uint8Array,
  accountKeys: KeyPair,
): Promise<Identity> {
  const privateKey = await generateKeyPairFromSeed('Ed25519', peerSeed);
  const peer = peerIdFromPrivateKey(privateKey).toString() as PeerId;
  return {
    label,
    privateKey,
    peer,
    accountKeys,
    account: accountIdOf(accountKeys.publicKey),
    delegation: signDelegation(peer, accountKeys.seed),
  };
}
