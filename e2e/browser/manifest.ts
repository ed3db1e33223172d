import { toHex } from '../../protocol/bytes.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import {
  signManifest,
  signedManifestSchema,
  type Manifest,
  type SignedManifest,
} from '../../protocol/manifest.ts';
import { keyPair } from '../../protocol/sign.ts';
import * as v from 'valibot';

/** The manifest that a node serves now. */
export const servedManifest = async (url: string): Promise<SignedManifest> =>
  v.parse(signedManifestSchema, await (await fetch(new URL('/subnet.json', url))).json());

/** Makes genuine manifests of an owner of its own, whose subnet nobody can be reached in. */
export function someOwner(like: Manifest): {
  owner: string;
  sign(change: Partial<Manifest>): SignedManifest;
} {
  const { seed, publicKey } = keyPair();
  const base: Manifest = {
    ...like,
    owner: toHex(publicKey),
    protocol: { min: PROTOCOL_VERSION, max: PROTOCOL_VERSION },
    validators: like.validators.map((validator) => ({ ...validator, addresses: [] })),
  };
  return { owner: base.owner, sign: (change) => signManifest({ ...base, ...change }, seed) };
}
