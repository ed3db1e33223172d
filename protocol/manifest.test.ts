import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from './bytes.ts';
import type { PeerId } from './ids.ts';
import {
  MANIFEST_PROBLEMS,
  openManifest,
  signAddress,
  signManifest,
  subnetIdOf,
  type Manifest,
  type ManifestProblem,
} from './manifest.ts';
import { keyPair } from './sign.ts';
import { tampered } from './testing/tamper.ts';

const owner = keyPair(new Uint8Array(32).fill(1));
const validatorSeed = new Uint8Array(32).fill(2);
const validator = peerIdFromPrivateKey(
  await generateKeyPairFromSeed('Ed25519', validatorSeed),
).toString() as PeerId;
const NOW = 1_700_000_000_000;
const name = 'test';
const address = `/ip4/127.0.0.1/udp/4001/webrtc-direct/certhash/uEiA/p2p/${validator}`;
const subnet = subnetIdOf({ name, owner: toHex(owner.publicKey) });

const manifest: Manifest = {
  format: 1,
  name,
  owner: toHex(owner.publicKey),
  sequence: 5,
  notAfterMs: NOW + 1000,
  protocol: { min: 1, max: 2 },
  validators: [
    {
      peer: validator,
      stake: 1,
      addresses: [{ address, signature: signAddress(subnet, address, validatorSeed) }],
    },
  ],
  relays: [address],
  kinds: [{ kind: 'hash', emissionPpm: 100_000 }],
  models: [
    {
      name: 'model',
      version: '1',
      summary: 'Does things.',
      license: 'MIT',
      bytes: 1024 * 1024 + 1,
      sha256: 'ab'.repeat(32),
      chunks: ['cd'.repeat(32), 'ef'.repeat(32)],
      inputs: [{ name: 'x', dtype: 'float32', dims: [1, 3] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1, 2] }],
      tolerance: { class: 'T', relativeL2: 0.001, floor: 0.01, logOutputs: ['y'] },
      flops: 1000,
      knownAnswer: { seed: 1, outputs: ['AAAA'] },
    },
  ],
  blobs: 'models/',
  policy: {
    epochSlots: 360,
    slotMs: 12_000,
    vestingTasks: 200,
    vestingEpochs: 20,
    auditKappa: 3,
    punishedEpochs: 10,
    strikes: 3,
    auditFloorPpm: 10_000,
    registration: { bits: 0x1f03ffff, shares: 16 },
  },
};
type Options = Parameters<typeof openManifest>[1];
const options: Options = { nowMs: NOW, version: 1 };
const signed = signManifest(manifest, owner.seed);
const codeOf = (json: unknown, change: Partial<Options> = {}): ManifestProblem | 'OK' => {
  const opened = openManifest(json, { ...options, ...change });
  return opened.ok ? 'OK' : opened.code;
};
const resigned = (change: Partial<Manifest>, seed = owner.seed) =>
  signManifest({ ...manifest, ...change }, seed);

describe('openManifest', () => {
  it('takes what the owner signed, through JSON and back', () => {
    expect(openManifest(JSON.parse(JSON.stringify(signed)), options)).toEqual({ ok: true, value: manifest });
  });

  it('has a case for every problem', () => {
    const pin = { owner: manifest.owner, sequence: 5 };
    const stranger = keyPair(new Uint8Array(32).fill(3));
    const cases: [ManifestProblem | 'OK', unknown, Partial<Options>?][] = [
      ['MANIFEST_MALFORMED', { ...signed, extra: 1 }],
      [
        'MANIFEST_MALFORMED',
        resigned({ models: manifest.models.map((m) => ({ ...m, chunks: ['ab'.repeat(32)] })) }),
      ],
      ['MANIFEST_MALFORMED', resigned({ validators: [] })],
      ['MANIFEST_SIGNATURE', resigned({}, stranger.seed)],
      ['MANIFEST_SIGNATURE', resigned({ owner: toHex(stranger.publicKey) })],
      ['MANIFEST_SIGNATURE', resigned({ name: 'other' })], // addresses are signed for this subnet alone
      ['MANIFEST_EXPIRED', signed, { nowMs: NOW + 1000 }],
      ['MANIFEST_OWNER', signed, { pin: { ...pin, owner: toHex(stranger.publicKey) } }],
      ['MANIFEST_ROLLBACK', signed, { pin: { ...pin, sequence: 6 } }],
      ['MANIFEST_VERSION', signed, { version: 3 }],
      ['MANIFEST_VERSION', signed, { version: 0 }],
      ['OK', signed, { pin, version: 2, nowMs: NOW + 999 }],
    ];
    for (const [code, json, change] of cases) expect(codeOf(json, change)).toBe(code);
    const seen = new Set(cases.map(([code]) => code));
    expect(Object.keys(MANIFEST_PROBLEMS).filter((code) => !seen.has(code as ManifestProblem))).toEqual([]);
  });

  it('refuses an address that its validator did not sign', () => {
    const withAddress = (by: string, of = address) =>
      resigned({ validators: [{ peer: validator, stake: 1, addresses: [{ address: of, signature: by }] }] });
    const good = signAddress(subnet, address, validatorSeed);
    expect(codeOf(withAddress(good))).toBe('OK');
    expect(codeOf(withAddress(good, `${address}x`))).toBe('MANIFEST_SIGNATURE');
    expect(codeOf(withAddress(signAddress(subnet, address, owner.seed)))).toBe('MANIFEST_SIGNATURE');
    const elsewhere = signAddress(new Uint8Array(32), address, validatorSeed);
    expect(codeOf(withAddress(elsewhere))).toBe('MANIFEST_SIGNATURE');
  });

  it('refuses any field that was changed after signing', () => {
    const codes = new Map<string, string>();
    for (const { path, changed } of tampered(manifest))
      codes.set(path, codeOf({ ...signed, manifest: changed }));
    expect(codes.size).toBeGreaterThan(35);
    for (const [path, code] of codes) {
      // Values outside of a closed list do not even parse.
      const closed = /(^format|kind|class|dtype)$/.test(path);
      expect([path, code]).toEqual([path, closed ? 'MANIFEST_MALFORMED' : 'MANIFEST_SIGNATURE']);
    }
    for (const { changed } of tampered({ signature: signed.signature }))
      expect(codeOf({ ...signed, ...(changed as object) })).toBe('MANIFEST_SIGNATURE');
  });

  it('refuses whatever else JSON can say, without a throw', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (json, inner) => {
        expect(codeOf(json)).toBe('MANIFEST_MALFORMED');
        expect(codeOf({ manifest: inner, signature: signed.signature })).toBe('MANIFEST_MALFORMED');
      }),
    );
    for (const json of [undefined, null, '<html>', { manifest }, { ...signed, signature: 'AB' }])
      expect(codeOf(json)).toBe('MANIFEST_MALFORMED');
  });
});

describe('subnetIdOf', () => {
  it('names owner and name, and nothing else', () => {
    expect(subnetIdOf(manifest)).toEqual(subnet);
    expect(subnetIdOf({ ...manifest, name: 'other' })).not.toEqual(subnet);
    expect(subnetIdOf({ ...manifest, owner: 'ab'.repeat(32) })).not.toEqual(subnet);
  });
});
