import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CompressionCache } from './compression.ts';

const text = (seed: string, length: number) => Buffer.from(seed.repeat(length).slice(0, length));
/** Bytes that do not compress. */
const noise = (length: number) =>
  Uint8Array.from({ length }, (_, i) => Math.imul(i ^ (i >>> 3), 0x9e3779b1) >>> 24);
const settle = async (look: () => Promise<Uint8Array | null>) => {
  for (let i = 0; i < 200; i++) {
    const form = await look();
    if (form !== null) return form;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('never compressed');
};

describe('CompressionCache', () => {
  const limits = { compressedBytes: 1 << 20, compressAtOnceBytes: 10_000 };

  it('compresses small content at once and once only', async () => {
    const cache = new CompressionCache(limits);
    let reads = 0;
    const read = async () => (reads++, text('abc', 9000));
    const [br, again] = await Promise.all([
      cache.get('h', 9000, 'br', read),
      cache.get('h', 9000, 'br', read),
    ]);
    expect(again).toBe(br);
    expect(brotliDecompressSync(br ?? '')).toEqual(text('abc', 9000));
    expect(gunzipSync((await cache.get('h', 9000, 'gzip', read)) ?? '')).toEqual(text('abc', 9000));
    expect(reads).toBe(2);
  });

  it('makes large content in the background', async () => {
    const cache = new CompressionCache(limits);
    const read = async () => text('abc', 90_000);
    expect(await cache.get('h', 90_000, 'br', read)).toBeNull();
    expect(brotliDecompressSync(await settle(() => cache.get('h', 90_000, 'br', read)))).toHaveLength(90_000);
  });

  it('keeps to its limit, dropping what was used least recently', async () => {
    const cache = new CompressionCache({ compressedBytes: 70, compressAtOnceBytes: 10_000 });
    const reads: string[] = [];
    const get = (name: string) =>
      cache.get(name, 5000, 'br', async () => {
        reads.push(name);
        return text(name, 5000);
      });
    for (const name of ['aa', 'bb', 'cc', 'dd', 'aa', 'ee', 'ff', 'gg']) {
      await get(name);
      expect(cache.keptBytes).toBeLessThanOrEqual(70);
    }
    expect(reads.length).toBeGreaterThan(4);
    await get('gg');
    expect(reads.filter((name) => name === 'gg')).toHaveLength(1);
  });

  it('does not bother with what does not shrink, cannot be read, or would fill the cache', async () => {
    const cache = new CompressionCache({ compressedBytes: 50, compressAtOnceBytes: 10_000 });
    let reads = 0;
    for (let i = 0; i < 2; i++) {
      expect(await cache.get('noise', 5000, 'br', async () => (reads++, noise(5000)))).toBeNull();
      expect(
        await cache.get('gone', 5000, 'br', async () => (reads++, Promise.reject(new Error('gone')))),
      ).toBeNull();
      const digits = Array.from({ length: 1000 }, (_, n) => n * 7919).join();
      expect(
        await cache.get('big', digits.length, 'br', async () => (reads++, Buffer.from(digits))),
      ).toBeNull();
    }
    expect(reads).toBe(3);
    expect(cache.keptBytes).toBe(0);
  });
});
