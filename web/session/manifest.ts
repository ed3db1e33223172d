import * as v from 'valibot';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import {
  openManifest,
  type Manifest,
  type ManifestPin,
  type ManifestProblem,
} from '../../protocol/manifest.ts';
import { errorText, fail, ok, type Failure, type Outcome } from '../../protocol/outcome.ts';
import { hex, uint } from '../../protocol/schema.ts';
import type { Store } from '../identity/store.ts';
import type { PageOptions } from './options.ts';

/** A manifest of 256 models with a chunk hash per MiB is about 1 MB; what is larger is no manifest. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const FETCH_TIMEOUT_MS = 20_000;

export type Foreign = { name: string; url: string; owner: string };
type Problem = ManifestProblem | 'MANIFEST_UNREACHABLE' | 'FOREIGN_OWNER_MISSING' | 'FOREIGN_SUBNET';
/** `foreign` names the owner whom `trust` would accept. */
export type ManifestFailure = Failure<Problem> & { foreign?: Foreign };
export type LoadedManifest = { manifest: Manifest; url: string };

export type ManifestSource = {
  store: Store;
  /** The address of the page. */
  pageUrl: string;
  options: Pick<PageOptions, 'subnetUrl' | 'owner'>;
  fetch: typeof fetch;
  nowMs: () => number;
};

const storedPin = v.object({ owner: hex(32), sequence: uint() });
const storedTrust = v.object({ trustedAtMs: uint() });
const trustKey = (owner: string): string => `owner:${owner}`;

async function loadPin(store: Store, url: string): Promise<ManifestPin | undefined> {
  const stored = v.safeParse(storedPin, await store.get('pins', url));
  return stored.success ? stored.output : undefined;
}

/**
 * Fetches the manifest of the subnet, checks it and pins its owner and sequence under its URL. A manifest served beside
 * the page pins on first use. One from elsewhere must be named together with its owner, and the person is asked once
 * per owner: without `trust` that ends in FOREIGN_SUBNET, with it the owner is remembered. `trust` also accepts a new
 * owner in the place of the pinned one.
 */
export async function loadManifest(
  source: ManifestSource,
  trust: boolean,
  signal: AbortSignal,
): Promise<{ ok: true; value: LoadedManifest } | ManifestFailure> {
  const { store, options, nowMs } = source;
  const home = new URL('/subnet.json', source.pageUrl);
  const url = options.subnetUrl === undefined ? home : URL.parse(options.subnetUrl, source.pageUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return fail('MANIFEST_UNREACHABLE', 'The subnet’s address is not an http or https URL.');
  }
  const foreign = url.href !== home.href;
  if (foreign && options.owner === undefined) return fail('FOREIGN_OWNER_MISSING', url.href);

  const fetched = await fetchJson(source.fetch, url, signal);
  if (!fetched.ok) return fetched;
  const pin = await loadPin(store, url.href);
  const owner = options.owner ?? pin?.owner;
  const expected =
    owner === undefined ? undefined : { owner, sequence: pin?.owner === owner ? pin.sequence : 0 };
  const check = (using: ManifestPin | undefined) =>
    openManifest(fetched.value, { nowMs: nowMs(), version: PROTOCOL_VERSION, pin: using });

  let opened = check(expected);
  if (!opened.ok && opened.code === 'MANIFEST_OWNER' && options.owner === undefined) {
    // The owner changed under a manifest that is genuine otherwise: the person may accept the new one.
    const unpinned = check(undefined);
    if (unpinned.ok && trust) opened = unpinned;
    else if (unpinned.ok) return { ...opened, foreign: describe(unpinned.value, url) };
  }
  if (!opened.ok) return opened;
  const manifest = opened.value;
  const lost = manifest.models.find(({ sha256 }) => modelUrl({ manifest, url: url.href }, sha256) === null);
  if (lost !== undefined) {
    return fail('MANIFEST_MALFORMED', `It gives no http or https address for the model ${lost.name}.`);
  }

  if (foreign && !v.is(storedTrust, await store.get('pins', trustKey(manifest.owner)))) {
    if (!trust)
      return { ...fail('FOREIGN_SUBNET', `${manifest.name}, ${url.host}`), foreign: describe(manifest, url) };
    await store.put('pins', trustKey(manifest.owner), { trustedAtMs: Math.trunc(nowMs()) });
  }
  await store.put('pins', url.href, { owner: manifest.owner, sequence: manifest.sequence });
  return ok({ manifest, url: url.href });
}

const describe = (manifest: Manifest, url: URL): Foreign => ({
  name: manifest.name,
  url: url.href,
  owner: manifest.owner,
});

async function fetchJson(
  fetcher: typeof fetch,
  url: URL,
  signal: AbortSignal,
): Promise<Outcome<unknown, 'MANIFEST_UNREACHABLE' | 'MANIFEST_MALFORMED'>> {
  try {
    const response = await fetcher(url, {
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.any([signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]),
    });
    if (!response.ok) return fail('MANIFEST_UNREACHABLE', `${url.href} answered ${response.status}`);
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of readAll(response)) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > MAX_MANIFEST_BYTES) return fail('MANIFEST_MALFORMED', 'It is too large.');
    }
    try {
      const json: unknown = JSON.parse(text + decoder.decode());
      return ok(json);
    } catch (error) {
      return fail('MANIFEST_MALFORMED', errorText(error));
    }
  } catch (error) {
    return fail('MANIFEST_UNREACHABLE', `${url.href}: ${errorText(error)}`);
  }
}

/** The body in pieces. Leaving the loop early cancels the download. */
async function* readAll(response: Response): AsyncGenerator<Uint8Array, void, void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Where a model's bytes are: an absolute http or https URL, or null where the manifest does not give one. */
export function modelUrl({ manifest, url }: LoadedManifest, sha256: string): string | null {
  const address = URL.parse(manifest.blobs + sha256, url);
  return address !== null && /^https?:$/.test(address.protocol) ? address.href : null;
}
