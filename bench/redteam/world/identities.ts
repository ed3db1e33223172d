import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { hashCbor } from '../../../protocol/cbor.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import { accountIdOf, keyPair, signDelegation } from '../../../protocol/sign.ts';
import type { Identity } from '../../../e2e/testing/identity.ts';

/** 32 bytes that follow from the run's seed and a name. */
export const seedOf = (seed: string, name: string): Uint8Array =>
  hashCbor({ domain: 'gridtab/redteam/seed/1', seed, name });

/** A tab's keys; `account` names the account, where several tabs share one. */
export async function identityOf(seed: string, label: string, account = label): Promise<Identity> {
  const privateKey = await generateKeyPairFromSeed('Ed25519', seedOf(seed, `peer/${label}`));
  const peer = peerIdFromPrivateKey(privateKey).toString() as PeerId;
  const accountKeys = keyPair(seedOf(seed, `account/${account}`));
  return {
    label,
    privateKey,
    peer,
    accountKeys,
    account: accountIdOf(accountKeys.publicKey),
    delegation: signDelegation(peer, accountKeys.seed),
  };
}
