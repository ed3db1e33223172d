/**
 * Model chunks kept between visits, by their SHA-256. In the Cache API: one put is atomic and it says when the disk is
 * full. What comes out is checked again by the reader (model-store.ts), so a damaged entry is only a miss.
 */
export interface ChunkCache {
  /** Null when it is not here, or storage does not answer. */
  get(sha256: string): Promise<Uint8Array<ArrayBuffer> | null>;
  put(sha256: string, bytes: Uint8Array<ArrayBuffer>): Promise<'stored' | 'full' | 'unavailable'>;
  delete(sha256: string): Promise<void>;
  /** Deletes every chunk that is not among these. */
  keepOnly(sha256s: ReadonlySet<string>): Promise<void>;
}

const CACHE_NAME = 'gridtab-model-chunks-1';
/** Cache keys are URLs; nothing is served there. */
const KEY_PREFIX = '/.gridtab/chunk/';
const keyOf = (sha256: string): string => KEY_PREFIX + sha256;

/** Keeps nothing: for pages without storage (insecure origins, private windows that refuse it). */
const noCache: ChunkCache = {
  get: () => Promise.resolve(null),
  put: () => Promise.resolve('unavailable'),
  delete: () => Promise.resolve(),
  keepOnly: () => Promise.resolve(),
};

export async function openChunkCache(): Promise<ChunkCache> {
  if (!('caches' in globalThis)) return noCache;
  try {
    return over(await caches.open(CACHE_NAME));
  } catch {
    return noCache;
  }
}

/** The interface over one cache of the Cache API. */
export const over = (cache: Pick<Cache, 'match' | 'put' | 'delete' | 'keys'>): ChunkCache => ({
  async get(sha256) {
    try {
      const response = await cache.match(keyOf(sha256));
      return response === undefined ? null : new Uint8Array(await response.arrayBuffer());
    } catch {
      return null;
    }
  },
  async put(sha256, bytes) {
    try {
      await cache.put(keyOf(sha256), new Response(bytes));
      return 'stored';
    } catch (error) {
      return error instanceof DOMException && error.name === 'QuotaExceededError' ? 'full' : 'unavailable';
    }
  },
  async delete(sha256) {
    try {
      await cache.delete(keyOf(sha256));
    } catch {
      // It is checked on reading: an entry that cannot be deleted does no harm.
    }
  },
  async keepOnly(sha256s) {
    try {
      for (const request of await cache.keys()) {
        const { pathname } = new URL(request.url);
        if (!sha256s.has(pathname.slice(KEY_PREFIX.length))) await cache.delete(request);
      }
    } catch {
      // What is left over takes room until the next time.
    }
  },
});
