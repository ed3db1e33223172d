import { toHex } from '../../protocol/bytes.ts';
import { hashCbor } from '../../protocol/cbor.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import {
  signAddress,
  signManifest,
  subnetIdOf,
  type Manifest,
  type Model,
  type SignedManifest,
} from '../../protocol/manifest.ts';
import type { Store } from '../store/store.ts';

/** How long a manifest may be used; the node signs a new one long before, at every start and every day. */
export const MANIFEST_LIFESPAN_MS = 30 * 24 * 3600_000;

export type ManifestContent = {
  name: string;
  /** Hex public key. */
  owner: string;
  validator: PeerId;
  addresses: readonly string[];
  mechanisms: Manifest['kinds'];
  models: readonly Model[];
  policy: Manifest['policy'];
};

/**
 * Builds and signs the manifest. The sequence number is kept in the store and goes up when the content does; a mere
 * renewal keeps it. Signed by owner and validator, whose keys one process holds here.
 */
export async function buildManifest(
  store: Store,
  content: ManifestContent,
  keys: { ownerSeed: Uint8Array; validatorSeed: Uint8Array },
): Promise<SignedManifest> {
  const { name, owner, validator, addresses, models, policy } = content;
  const subnet = subnetIdOf({ name, owner });
  const manifest: Omit<Manifest, 'sequence' | 'notAfterMs'> = {
    format: 1,
    name,
    owner,
    protocol: { min: PROTOCOL_VERSION, max: PROTOCOL_VERSION },
    validators: [
      {
        peer: validator,
        stake: 1,
        addresses: addresses.map((address) => ({
          address,
          signature: signAddress(subnet, address, keys.validatorSeed),
        })),
      },
    ],
    relays: addresses.map((address) => `${address}/p2p-circuit`),
    kinds: content.mechanisms,
    models: [...models],
    blobs: 'models/',
    policy,
  };
  const sequence = await nextSequence(store, toHex(hashCbor(manifest)));
  return signManifest(
    { ...manifest, sequence, notAfterMs: Date.now() + MANIFEST_LIFESPAN_MS },
    keys.ownerSeed,
  );
}

async function nextSequence(store: Store, contentHash: string): Promise<number> {
  return await store.write(async (tx) => {
    const row = await tx.selectFrom('meta').select('value').where('key', '=', 'manifest').executeTakeFirst();
    const [hash, last] = (row?.value ?? ':0').split(':');
    // Not below the clock: with its keys kept and its ledger lost, a node must not seem to go back in time to its tabs.
    const sequence =
      hash === contentHash ? Number(last) : Math.max(Number(last) + 1, Math.floor(Date.now() / 1000));
    const value = `${contentHash}:${sequence}`;
    await tx
      .insertInto('meta')
      .values({ key: 'manifest', value })
      .onConflict((oc) => oc.column('key').doUpdateSet({ value }))
      .execute();
    return sequence;
  });
}
