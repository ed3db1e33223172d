import * as v from 'valibot';
import { hexToBytes, toHex } from '../../protocol/bytes.ts';
import { hashCbor } from '../../protocol/cbor.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import {
  isAddressOf,
  openManifest,
  signAddress,
  signedManifestSchema,
  signManifest,
  subnetIdOf,
  type Manifest,
  type Model,
  type SignedManifest,
} from '../../protocol/manifest.ts';
import type { Seat } from '../../protocol/validators.ts';
import type { Store } from '../store/store.ts';

/** How long a manifest may be used; the node signs a new one long before, at every start and every day. */
export const MANIFEST_LIFESPAN_MS = 30 * 24 * 3600_000;

export type ManifestContent = {
  name: string;
  /** Hex public key. */
  owner: string;
  seats: readonly Seat[];
  mechanisms: Manifest['kinds'];
  models: readonly Model[];
  policy: Manifest['policy'];
};

/** Where a validator is reached, in the place of where it was before: each address signed by it. */
export async function publishAddresses(
  store: Store,
  subnet: Uint8Array,
  { validator, validatorSeed }: { validator: PeerId; validatorSeed: Uint8Array },
  addresses: readonly string[],
): Promise<void> {
  const rows = addresses.map((address) => ({
    validator,
    address,
    signature: hexToBytes(signAddress(subnet, address, validatorSeed)),
  }));
  await store.write(async (tx) => {
    await tx.deleteFrom('addresses').where('validator', '=', validator).execute();
    if (rows.length > 0) await tx.insertInto('addresses').values(rows).execute();
  });
}

/**
 * Builds the manifest, signs it as the owner, and keeps it where validators without the owner's key find it. The sequence number
 * is kept in the store and goes up when the content does; a mere renewal keeps it. Addresses are those that validators have
 * published; what is not signed by whom it names is left out.
 */
export async function buildManifest(
  store: Store,
  content: ManifestContent,
  ownerSeed: Uint8Array,
): Promise<SignedManifest> {
  const { name, owner, seats, models, policy } = content;
  const subnet = subnetIdOf({ name, owner });
  const rows = await store.db
    .selectFrom('addresses')
    .selectAll()
    .orderBy('validator')
    .orderBy('address')
    .execute();
  const signed = rows.filter((row) => isAddressOf(subnet, row));
  const manifest: Omit<Manifest, 'sequence' | 'notAfterMs'> = {
    format: 1,
    name,
    owner,
    protocol: { min: PROTOCOL_VERSION, max: PROTOCOL_VERSION },
    validators: seats.map(({ validator, stake }) => ({
      peer: validator,
      stake: Number(stake),
      addresses: signed
        .filter((row) => row.validator === validator)
        .map(({ address, signature }) => ({ address, signature: toHex(signature) })),
    })),
    relays: signed.map(({ address }) => `${address}/p2p-circuit`).slice(0, MAX_RELAYS),
    kinds: content.mechanisms,
    models: [...models],
    blobs: 'models/',
    policy,
  };
  const sequence = await nextSequence(store, toHex(hashCbor(manifest)));
  const whole = signManifest(
    { ...manifest, sequence, notAfterMs: Date.now() + MANIFEST_LIFESPAN_MS },
    ownerSeed,
  );
  await keep(store, whole);
  return whole;
}

/** As many as the manifest may hold. */
const MAX_RELAYS = 16;
const KEPT = 'signed_manifest';

async function keep(store: Store, signed: SignedManifest): Promise<void> {
  const value = JSON.stringify(signed);
  await store.write((tx) =>
    tx
      .insertInto('meta')
      .values({ key: KEPT, value })
      .onConflict((oc) => oc.column('key').doUpdateSet({ value }))
      .execute(),
  );
}

/** The manifest that the owner's node has kept; null where there is none of this owner and name that is good now. */
export async function keptManifest(
  store: Store,
  name: string,
  owner: string,
): Promise<SignedManifest | null> {
  const row = await store.db.selectFrom('meta').select('value').where('key', '=', KEPT).executeTakeFirst();
  if (row === undefined) return null;
  const json: unknown = JSON.parse(row.value);
  const opened = openManifest(json, { nowMs: Date.now(), version: PROTOCOL_VERSION });
  if (!opened.ok || opened.value.owner !== owner || opened.value.name !== name) return null;
  return v.parse(signedManifestSchema, json);
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
