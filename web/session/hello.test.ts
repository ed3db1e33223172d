import { describe, expect, it } from 'vitest';
import { hexToBytes } from '../../protocol/bytes.ts';
import { decodeMessage, encodeMessage } from '../../protocol/codec.ts';
import { joinFromTab } from '../../protocol/messages.ts';
import type { ModelReport } from '../../worker/contract.ts';
import type { Identity } from '../identity/identity.ts';
import { helloOf } from './hello.ts';

const identity = {
  account: { publicKey: new Uint8Array(32) },
  delegation: new Uint8Array(64),
} as Identity;
const adapter = { class: 'none', vendor: '', architecture: '', description: '' } as const;
const hash = { provider: 'cpu', hashesPerSecond: 1, checks: 1 } as const;
const hello = (models: readonly ModelReport[]) => {
  const said = helloOf(identity, new Uint8Array(32), { hash, adapter, models });
  return decodeMessage(joinFromTab, encodeMessage(said));
};
const report = (sha256: string): ModelReport => ({ sha256, provider: 'wasm', tried: [] });

describe('hello', () => {
  it('names the runtime of its models, by the hash of its .wasm', () => {
    const runtime = { name: 'onnxruntime-web@1.30.0', artefact: 'cd'.repeat(32) };
    const told = hello([report('aa'.repeat(32)), { ...report('bb'.repeat(32)), runtime }]);
    expect(told).toMatchObject({
      ok: true,
      value: { runtime: { name: runtime.name, artefact: hexToBytes(runtime.artefact) } },
    });
  });

  it('names none where no model is ready, or its bits are not the same everywhere', () => {
    for (const models of [[], [report('aa'.repeat(32))]]) {
      const told = hello(models);
      expect(told.ok && !('runtime' in told.value)).toBe(true);
    }
  });
});
