import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import type { Ed25519PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import * as v from 'valibot';
import type { PeerId } from '../../protocol/ids.ts';
import { bytes } from '../../protocol/schema.ts';
import { keyPair } from '../../protocol/sign.ts';
import type { Store } from './store.ts';

/** The key of one slot (hotkey) and the peer id it makes. */
export type PeerKey = { peer: PeerId; privateKey: Ed25519PrivateKey };

const storedSlot = v.object({ seed: bytes(32) });

/** The key of `slot`, made on first use. A stored value that is no key is replaced. */
export async function loadPeerKey(store: Store, slot: number): Promise<PeerKey> {
  const key = String(slot);
  const stored = v.safeParse(storedSlot, await store.getOrPut('slots', key, { seed: keyPair().seed }));
  const seed = stored.success ? stored.output.seed : keyPair().seed;
  if (!stored.success) await store.put('slots', key, { seed });
  const privateKey = await generateKeyPairFromSeed('Ed25519', seed);
  return { peer: peerIdFromPrivateKey(privateKey).toString() as PeerId, privateKey };
}
