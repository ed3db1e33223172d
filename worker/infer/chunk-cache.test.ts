import { describe, expect, it } from 'vitest';
import { over } from './chunk-cache.ts';

/** The Cache API over a map, as far as it is used; keys are absolute URLs as in a browser. */
function memory() {
  const entries = new Map<string, Response>();
  const href = (key: RequestInfo | URL): string =>
    key instanceof Request ? key.url : new URL(String(key), 'https://a.example/').href;
  return {
    match: (key: RequestInfo | URL) => Promise.resolve(entries.get(href(key))?.clone()),
    put: (key: RequestInfo | URL, response: Response) =>
      Promise.resolve(void entries.set(href(key), response)),
    delete: (key: RequestInfo | URL) => Promise.resolve(entries.delete(href(key))),
    keys: () => Promise.resolve([...entries.keys()].map((url) => new Request(url))),
  };
}

describe('chunk cache', () => {
  it('keeps the chunks that are named and forgets the others', async () => {
    const cache = over(memory());
    const [a, b] = ['aa'.repeat(32), 'bb'.repeat(32)] as const;
    await cache.put(a, new Uint8Array([1]));
    await cache.put(b, new Uint8Array([2]));
    await cache.keepOnly(new Set([b, 'cc'.repeat(32)]));
    expect(await cache.get(a)).toBeNull();
    expect(await cache.get(b)).toEqual(new Uint8Array([2]));
  });

  it('does no harm where storage fails', async () => {
    const broken = { ...memory(), keys: () => Promise.reject(new Error('storage is gone')) };
    await expect(over(broken).keepOnly(new Set())).resolves.toBeUndefined();
  });
});
