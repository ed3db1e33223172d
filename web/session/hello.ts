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

/**
 * What this tab says of itself when it joins. Inference is named once its models are ready to run, and with it the runtime:
 * to name one whose lane is exact is to promise the validator's very bits. The node confirms nothing of it, and need not: a
 * tab that names another runtime, or none, is held to the tolerance at best and to bits that it cannot give at worst.
 */
export function helloOf(identity: Identity, subnet: Uint8Array, able: Capabilities): Hello {
  const { class: adapterClass, vendor, architecture, description } = able.adapter;
  // One worker has one runtime, whatever its models run on.
  const runtime = able.models.find((model) => model.runtime !== undefined)?.runtime;
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
    ...(runtime === undefined
      ? {}
      : { runtime: { name: runtime.name, artefact: hexToBytes(runtime.artefact) } }),
  };
}
