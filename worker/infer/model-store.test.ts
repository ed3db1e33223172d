import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../protocol/bytes.ts';
import { mulberry32 } from '../../protocol/known-answer.ts';
import { CHUNK_BYTES } from '../../protocol/limits.ts';
import type { Model } from '../../protocol/manifest.ts';
import type { WorkerEvent } from '../contract.ts';
import type { ChunkCache } from './chunk-cache.ts';
import { loadModel } from './model-store.ts';

const never = new AbortController().signal;
const URL = 'https://node.example/blobs/model';

/** Three chunks and a bit, so that the last one is short. */
const FILE = new Uint8Array(3 * CHUNK_BYTES + 12_345);
const next = mulberry32(1);
for (let i = 0; i < FILE.length; i += 997) FILE[i] = next() & 255;

const pieces = (file: Uint8Array): Uint8Array[] =>
  Array.from({ length: Math.ceil(file.length / CHUNK_BYTES) }, (_, i) =>
    file.slice(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
  );
const MODEL = {
  name: 'test-model',
  bytes: FILE.length,
  sha256: sha256Hex(FILE),
  chunks: pieces(FILE).map((piece) => sha256Hex(piece)),
} as unknown as Model;

function memoryCache(room = Infinity): ChunkCache & { entries: Map<string, Uint8Array<ArrayBuffer>> } {
  const entries = new Map<string, Uint8Array<ArrayBuffer>>();
  return {
    entries,
    get: (sha256) => Promise.resolve(entries.get(sha256) ?? null),
    put: (sha256, bytes) => {
      if (entries.size >= room) return Promise.resolve('full');
      entries.set(sha256, bytes.slice());
      return Promise.resolve('stored');
    },
    delete: (sha256) => Promise.resolve(void entries.delete(sha256)),
    keepOnly: () => Promise.resolve(),
  };
}

/** A body in small pieces; after `breakAfter` bytes the connection drops. */
function body(bytes: Uint8Array, breakAfter = Infinity): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= breakAfter) return controller.error(new TypeError('network error'));
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, (at += 300_000)));
    },
  });
}

type Reply = { file?: Uint8Array; status?: number; ranges?: boolean; breakAfter?: number; shift?: number };

/** A server that answers each request as `replies` says; the last one also answers all after it. */
function server(...replies: Reply[]): { fetch: typeof fetch; asked: string[] } {
  const asked: string[] = [];
  const answer: typeof fetch = (_input, init) => {
    init?.signal?.throwIfAborted();
    const range = new Headers(init?.headers).get('range') ?? '';
    asked.push(range);
    const {
      file = FILE,
      status,
      ranges = true,
      breakAfter,
      shift = 0,
    } = replies.length > 1 ? (replies.shift() ?? {}) : (replies[0] ?? {});
    if (status !== undefined) return Promise.resolve(new Response(null, { status }));
    const [from = 0, to = 0] = (/bytes=(\d+)-(\d+)/.exec(range)?.slice(1) ?? []).map(Number);
    if (!ranges) return Promise.resolve(new Response(body(file, breakAfter)));
    const headers = { 'content-range': `bytes ${from + shift}-${to}/${file.length}` };
    return Promise.resolve(
      new Response(body(file.slice(from + shift, to + 1), breakAfter), { status: 206, headers }),
    );
  };
  return { fetch: answer, asked };
}

function load(
  fetch: typeof globalThis.fetch,
  cache: ChunkCache = memoryCache(),
  signal = never,
  stallMs = 5000,
) {
  const events: WorkerEvent[] = [];
  const result = loadModel(MODEL, URL, signal, {
    fetch,
    cache,
    emit: (e) => events.push(e),
    backoffMs: 1,
    stallMs,
  });
  return { result, events };
}

/** Hash of a loaded file, or the failure's code: comparing megabytes element by element takes seconds. */
async function hashOf(loaded: ReturnType<typeof loadModel>): Promise<string> {
  const file = await loaded;
  return file.ok ? sha256Hex(file.value) : file.code;
}

const range = (from: number, to = FILE.length): string => `bytes=${from}-${to - 1}`;

describe('model store', () => {
  it('fetches a file in chunks, with progress, and keeps every chunk', async () => {
    const { fetch, asked } = server({});
    const cache = memoryCache();
    const { result, events } = load(fetch, cache);
    expect(await hashOf(result)).toBe(MODEL.sha256);
    expect(asked).toEqual([range(0)]);
    expect([...cache.entries.keys()]).toEqual(MODEL.chunks);
    expect(events.map((e) => e.type === 'download' && e.loadedBytes)).toEqual(
      [0, 1, 2, 3, 3].map((n, i) => (i === 4 ? FILE.length : n * CHUNK_BYTES)),
    );
  });

  it('never fetches what is stored', async () => {
    const cache = memoryCache();
    await load(server({}).fetch, cache).result;
    const { fetch, asked } = server({ status: 500 });
    const { result, events } = load(fetch, cache);
    expect(await hashOf(result)).toBe(MODEL.sha256);
    expect(asked).toEqual([]);
    expect(events).toEqual([expect.objectContaining({ loadedBytes: FILE.length, fromCache: FILE.length })]);
  });

  it('asks only for the gaps, and again for a stored chunk that was damaged', async () => {
    const cache = memoryCache();
    await load(server({}).fetch, cache).result;
    cache.entries.delete(MODEL.chunks[0] ?? '');
    const third = cache.entries.get(MODEL.chunks[2] ?? '');
    third?.fill(9, 0, 4);
    const { fetch, asked } = server({});
    expect(await hashOf(load(fetch, cache).result)).toBe(MODEL.sha256);
    expect(asked).toEqual([range(0, CHUNK_BYTES), range(2 * CHUNK_BYTES, 3 * CHUNK_BYTES)]);
    expect(sha256Hex(cache.entries.get(MODEL.chunks[2] ?? '') ?? FILE)).toBe(MODEL.chunks[2]);
  });

  it('goes on behind the last whole chunk when the connection drops', async () => {
    const { fetch, asked } = server({ breakAfter: 2 * CHUNK_BYTES + 500_000 }, { status: 503 }, {});
    expect(await hashOf(load(fetch).result)).toBe(MODEL.sha256);
    expect(asked).toEqual([range(0), range(2 * CHUNK_BYTES), range(2 * CHUNK_BYTES)]);
  });

  it('works with a server that knows no ranges, also after a drop', async () => {
    const { fetch } = server({ ranges: false, breakAfter: CHUNK_BYTES + 1 }, { ranges: false });
    expect(await hashOf(load(fetch).result)).toBe(MODEL.sha256);
  });

  it('gives a silent server up and tries again', async () => {
    const silent: typeof fetch = (_input, init) =>
      new Promise((_resolve, reject) =>
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)),
      );
    let first = true;
    const { fetch } = server({});
    const result = load(
      (input, init) => {
        const answer = first ? silent(input, init) : fetch(input, init);
        first = false;
        return answer;
      },
      memoryCache(),
      never,
      50,
    ).result;
    expect(await hashOf(result)).toBe(MODEL.sha256);
  });

  it('takes a chunk that came wrong once, and never stores the wrong one', async () => {
    const wrong = FILE.slice();
    wrong[CHUNK_BYTES] = 1 + (wrong[CHUNK_BYTES] ?? 0);
    const once = memoryCache();
    expect(await hashOf(load(server({ file: wrong }, {}).fetch, once).result)).toBe(MODEL.sha256);
    const always = memoryCache();
    expect(await load(server({ file: wrong }).fetch, always).result).toMatchObject({
      ok: false,
      code: 'CHUNK_HASH',
    });
    expect([...always.entries.keys()]).toEqual([MODEL.chunks[0]]);
  });

  it('refuses another range than asked for', async () => {
    expect(await load(server({ shift: 5 }).fetch).result).toMatchObject({
      ok: false,
      code: 'DOWNLOAD_FAILED',
    });
  });

  it('goes on from memory when storage is full, and says so once', async () => {
    const cache = memoryCache(1);
    const { result, events } = load(server({}).fetch, cache);
    expect(await hashOf(result)).toBe(MODEL.sha256);
    expect(events.filter((e) => e.type === 'problem')).toEqual([
      expect.objectContaining({ code: 'STORAGE_FULL', recovered: true }),
    ]);
  });

  it.each([
    ['says 404', { status: 404 }, 1],
    ['fails forever', { status: 500 }, 5],
    ['sends less than the file', { file: FILE.slice(0, 1000) }, 5],
  ] satisfies [string, Reply, number][])('ends when the server %s', async (_, reply, requests) => {
    const { fetch, asked } = server(reply);
    expect(await load(fetch).result).toMatchObject({ ok: false, code: 'DOWNLOAD_FAILED' });
    expect(asked).toHaveLength(requests);
  });

  it('stops when told', async () => {
    const controller = new AbortController();
    const { fetch } = server({ status: 500 });
    const { result } = load(fetch, memoryCache(), controller.signal);
    controller.abort();
    expect(await result).toMatchObject({ ok: false, code: 'ABORTED' });
  });

  it('refuses a catalogue that does not fit itself', async () => {
    const deps = { fetch: server({}).fetch, cache: memoryCache(), emit: () => undefined, backoffMs: 1 };
    expect(await loadModel({ ...MODEL, bytes: 5 }, URL, never, deps)).toMatchObject({ code: 'UNSUPPORTED' });
    expect(await loadModel({ ...MODEL, sha256: '00'.repeat(32) }, URL, never, deps)).toMatchObject({
      code: 'CHUNK_HASH',
    });
  });
});
