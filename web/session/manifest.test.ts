import { beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '../../protocol/bytes.ts';
import type { SignedManifest } from '../../protocol/manifest.ts';
import { keyPair } from '../../protocol/sign.ts';
import { memoryStore, type Store } from '../identity/store.ts';
import { loadManifest, MAX_MANIFEST_BYTES, modelUrl } from './manifest.ts';
import { FakeValidator } from './testing/fake-validator.ts';

const PAGE = 'https://gridtab.example/';
const signal = new AbortController().signal;
let store: Store;
let validator: FakeValidator;
beforeEach(async () => {
  store = memoryStore();
  validator = await FakeValidator.create();
});

const load = (
  served: SignedManifest | Response | Error,
  options: { subnetUrl?: string; owner?: string; trust?: boolean; nowMs?: number } = {},
) =>
  loadManifest(
    {
      store,
      pageUrl: PAGE,
      options: {
        ...(options.subnetUrl === undefined ? {} : { subnetUrl: options.subnetUrl }),
        ...(options.owner === undefined ? {} : { owner: options.owner }),
      },
      fetch: () => {
        if (served instanceof Error) return Promise.reject(served);
        return Promise.resolve(served instanceof Response ? served : Response.json(served));
      },
      nowMs: () => options.nowMs ?? Date.now(),
    },
    options.trust ?? false,
    signal,
  );

describe('loadManifest', () => {
  it('takes the one beside the page, and pins owner and sequence', async () => {
    const loaded = await load(validator.manifest({ sequence: 3 }));
    expect(loaded.ok && loaded.value.url).toBe('https://gridtab.example/subnet.json');
    expect(loaded.ok && modelUrl(loaded.value, 'abc')).toBe('https://gridtab.example/models/abc');
    expect(await load(validator.manifest({ sequence: 2 }))).toMatchObject({ code: 'MANIFEST_ROLLBACK' });
    expect((await load(validator.manifest({ sequence: 4 }))).ok).toBe(true);
  });

  it('refuses a new owner until the person trusts it', async () => {
    await load(validator.manifest({ sequence: 9 }));
    const other = validator.manifest({ sequence: 1 }, keyPair(new Uint8Array(32).fill(1)));
    const refused = await load(other);
    expect(refused).toMatchObject({ code: 'MANIFEST_OWNER', foreign: { owner: other.manifest.owner } });
    expect((await load(other, { trust: true })).ok).toBe(true);
    expect((await load(other)).ok).toBe(true);
  });

  it('needs the owner’s key for a foreign subnet, and asks once per key', async () => {
    const subnetUrl = 'https://elsewhere.example/subnet.json';
    const owner = toHex(validator.owner.publicKey);
    expect(await load(validator.manifest(), { subnetUrl })).toMatchObject({ code: 'FOREIGN_OWNER_MISSING' });
    expect(await load(validator.manifest(), { subnetUrl, owner: '00'.repeat(32) })).toMatchObject({
      code: 'MANIFEST_OWNER',
    });
    // Trust does not reach past the key that the link names.
    expect(
      await load(validator.manifest(), { subnetUrl, owner: '00'.repeat(32), trust: true }),
    ).toMatchObject({
      code: 'MANIFEST_OWNER',
    });
    expect(await load(validator.manifest(), { subnetUrl, owner })).toMatchObject({
      code: 'FOREIGN_SUBNET',
      foreign: { owner },
    });
    expect((await load(validator.manifest(), { subnetUrl, owner, trust: true })).ok).toBe(true);
    expect((await load(validator.manifest(), { subnetUrl, owner })).ok).toBe(true);
  });

  it.each([
    ['a network failure', new Error('offline'), 'MANIFEST_UNREACHABLE'],
    ['an error page', new Response('no', { status: 503 }), 'MANIFEST_UNREACHABLE'],
    ['HTML', new Response('<!doctype html>'), 'MANIFEST_MALFORMED'],
    ['another document', Response.json({ hello: 1 }), 'MANIFEST_MALFORMED'],
    ['something endless', new Response('x'.repeat(MAX_MANIFEST_BYTES + 1)), 'MANIFEST_MALFORMED'],
  ])('says what is wrong with %s', async (_, served, code) => {
    expect(await load(served)).toMatchObject({ ok: false, code });
  });

  it('refuses what was altered after signing, what has expired, and other versions', async () => {
    const signed = validator.manifest();
    expect(await load({ ...signed, manifest: { ...signed.manifest, sequence: 2 } })).toMatchObject({
      code: 'MANIFEST_SIGNATURE',
    });
    expect(await load(signed, { nowMs: 5_000_000_000_000 })).toMatchObject({ code: 'MANIFEST_EXPIRED' });
    expect(await load(validator.manifest({ protocol: { min: 7, max: 9 } }))).toMatchObject({
      code: 'MANIFEST_VERSION',
    });
  });

  it('dials nothing but http and https', async () => {
    expect(await load(validator.manifest(), { subnetUrl: 'file:///etc/passwd' })).toMatchObject({
      code: 'MANIFEST_UNREACHABLE',
    });
  });
});
