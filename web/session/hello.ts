import { hexToBytes } from '../../protocol/bytes.ts';
import { MAX_TEXT_CHARS, PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { version } from '../../package.json';
import type { AdapterReport, ModelReport, OpenReport } from '../../worker/contract.ts';
import type { Identity } from '../identity/identity.ts';
import type { Hello } from './join.ts';
import { providersOf } from './models.ts';

export type Capabilities = {
  hash: OpenReport['hash'];
  adapter: AdapterReport;
  models: readonly ModelReport[];
};

/** What this tab says of itself when it joins. Inference is named once its models are ready to run. */
export function helloOf(identity: Identity, subnet: Uint8Array, able: Capabilities): Hello {
  const { class: adapterClass, vendor, architecture, description } = able.adapter;
  const clip = (text: string): string => text.slice(0, MAX_TEXT_CHARS);
  return {
    type: 'hello',
    version: PROTOCOL_VERSION,
    build: `gridtab ${version}`,
    subnet,
    account: identity.account.publicKey,
    delegation: identity.delegation,
    kinds: [
      { kind: 'hash', providers: [able.hash.provider] },
      ...(able.models.length === 0 ? [] : [{ kind: 'infer' as const, providers: providersOf(able.models) }]),
    ],
    models: able.models.map(({ sha256 }) => hexToBytes(sha256)),
    adapter: {
      class: adapterClass,
      vendor: clip(vendor),
      architecture: clip(architecture),
      description: clip(description),
    },
    hashRate: Math.max(0, able.hash.hashesPerSecond),
  };
}
