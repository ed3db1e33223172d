import { sha256 as nobleSha256, toHex } from '../../protocol/bytes.ts';
import { CHUNK_BYTES } from '../../protocol/limits.ts';
import type { Model } from '../../protocol/manifest.ts';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { sleep } from '../abort.ts';
import type { WorkerEvent, WorkerProblem } from '../contract.ts';
import type { ChunkCache } from './chunk-cache.ts';
import { downloadRange } from './range-download.ts';

/** Attempts in a row that brought no new chunk before a download is given up: about 15 s of waiting with the backoff. */
const MAX_ATTEMPTS = 5;
const BACKOFF_MS = 500;
/** A chunk may arrive damaged once; a server that sends it wrong twice has another file. */
const MAX_WRONG = 2;

export type ModelStoreDeps = {
  fetch: typeof fetch;
  cache: ChunkCache;
  emit: (event: WorkerEvent) => void;
  backoffMs?: number;
  stallMs?: number;
};

/** SHA-256 in hex, off this thread where the browser lets us (secure contexts). */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Typed as always there, but missing on insecure origins.
  const subtle = globalThis.crypto.subtle as SubtleCrypto | undefined;
  return toHex(
    subtle === undefined ? nobleSha256(bytes) : new Uint8Array(await subtle.digest('SHA-256', bytes)),
  );
}

/**
 * The model's file, every chunk checked: from the store where it is there, else from `url`. What arrived stays stored,
 * so a download that ends early goes on where it was. Failures: DOWNLOAD_FAILED, CHUNK_HASH, ABORTED, UNSUPPORTED.
 */
export async function loadModel(
  model: Model,
  url: string,
  signal: AbortSignal,
  deps: ModelStoreDeps,
): Promise<Outcome<Uint8Array<ArrayBuffer>, WorkerProblem>> {
  if (model.chunks.length !== Math.ceil(model.bytes / CHUNK_BYTES)) {
    return fail('UNSUPPORTED', `the catalogue lists no hash for some chunk of ${model.name}`);
  }
  try {
    return await new ModelLoad(model, url, signal, deps).run();
  } catch (error) {
    // Allocating a large model fails by throwing.
    return fail('UNSUPPORTED', `${model.name} does not fit in memory: ${errorText(error)}`);
  }
}

class ModelLoad {
  readonly #model: Model;
  readonly #url: string;
  readonly #signal: AbortSignal;
  readonly #deps: ModelStoreDeps;
  readonly #file: Uint8Array<ArrayBuffer>;
  readonly #have: boolean[];
  #loadedBytes = 0;
  #fromCache = 0;
  #storing = true;
  /** The chunk that came wrong last, and how often in a row. */
  #wrong = { index: -1, times: 0 };

  constructor(model: Model, url: string, signal: AbortSignal, deps: ModelStoreDeps) {
    this.#model = model;
    this.#url = url;
    this.#signal = signal;
    this.#deps = deps;
    this.#file = new Uint8Array(model.bytes);
    this.#have = model.chunks.map(() => false);
  }

  async run(): Promise<Outcome<Uint8Array<ArrayBuffer>, WorkerProblem>> {
    await this.#readStored();
    this.#progress();
    const downloaded = await this.#downloadMissing();
    if (!downloaded.ok) return downloaded;
    if ((await sha256Of(this.#file)) !== this.#model.sha256) {
      return fail(
        'CHUNK_HASH',
        `the chunks of ${this.#model.name} are right but not its file: the catalogue is inconsistent`,
      );
    }
    return ok(this.#file);
  }

  /** The place of a chunk in the file. */
  #slice(index: number): Uint8Array<ArrayBuffer> {
    return this.#file.subarray(index * CHUNK_BYTES, Math.min((index + 1) * CHUNK_BYTES, this.#model.bytes));
  }

  async #readStored(): Promise<void> {
    for (const [index, sha256] of this.#model.chunks.entries()) {
      if (this.#signal.aborted) return;
      const stored = await this.#deps.cache.get(sha256);
      if (stored === null) continue;
      if (stored.length !== this.#slice(index).length || (await sha256Of(stored)) !== sha256) {
        await this.#deps.cache.delete(sha256);
        continue;
      }
      this.#slice(index).set(stored);
      this.#keep(index);
      this.#fromCache += stored.length;
    }
  }

  async #downloadMissing(): Promise<Outcome<void, WorkerProblem>> {
    for (let attempts = 0; ;) {
      if (this.#signal.aborted) return fail('ABORTED', 'the download was cancelled');
      const first = this.#have.indexOf(false);
      if (first === -1) return ok(undefined);
      const before = this.#loadedBytes;
      const { from, to } = this.#missingFrom(first);
      const arriving = new ChunkAssembler(this.#model.bytes);
      const result = await downloadRange({
        url: this.#url,
        from,
        to,
        fetch: this.#deps.fetch,
        signal: this.#signal,
        ...(this.#deps.stallMs === undefined ? {} : { stallMs: this.#deps.stallMs }),
        onBytes: async (bytes, at) => {
          for (const chunk of arriving.push(bytes, at)) if (!(await this.#accept(chunk))) return false;
          return at + bytes.length < to;
        },
      });
      if (this.#signal.aborted) continue;
      if (this.#wrong.times >= MAX_WRONG) {
        return fail(
          'CHUNK_HASH',
          `chunk ${this.#wrong.index} of ${this.#model.name} is not the one the catalogue names`,
        );
      }
      if (!result.ok && result.code === 'fatal')
        return fail('DOWNLOAD_FAILED', `${this.#model.name}: ${result.message}`);
      attempts = this.#loadedBytes > before ? 0 : attempts + 1;
      if (attempts >= MAX_ATTEMPTS) {
        const reason = result.ok ? 'the server sent less than the file' : result.message;
        return fail('DOWNLOAD_FAILED', `${this.#model.name}: ${reason}`);
      }
      if (this.#have.includes(false))
        await sleep((this.#deps.backoffMs ?? BACKOFF_MS) * 2 ** attempts, this.#signal);
    }
  }

  /** The run of missing chunks that begins with `first`, in bytes. */
  #missingFrom(first: number): { from: number; to: number } {
    let end = first;
    while (end < this.#have.length && this.#have[end] === false) end++;
    return { from: first * CHUNK_BYTES, to: Math.min(end * CHUNK_BYTES, this.#model.bytes) };
  }

  /** Checks a chunk that arrived and keeps it. False when it is wrong. */
  async #accept({ index, bytes }: Chunk): Promise<boolean> {
    if (this.#have[index] !== false) return true;
    const sha256 = this.#model.chunks[index]!;
    if ((await sha256Of(bytes)) !== sha256) {
      this.#wrong = { index, times: this.#wrong.index === index ? this.#wrong.times + 1 : 1 };
      return false;
    }
    this.#slice(index).set(bytes);
    this.#keep(index);
    await this.#store(sha256, bytes);
    this.#progress();
    return true;
  }

  async #store(sha256: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.#storing || (await this.#deps.cache.put(sha256, bytes)) !== 'full') return;
    this.#storing = false;
    const message = `there is no room to keep ${this.#model.name}: it works now, but will be fetched again next time`;
    this.#deps.emit({ type: 'problem', code: 'STORAGE_FULL', message, recovered: true });
  }

  #keep(index: number): void {
    this.#have[index] = true;
    this.#loadedBytes += this.#slice(index).length;
  }

  #progress(): void {
    const { sha256, name, bytes } = this.#model;
    this.#deps.emit({
      type: 'download',
      sha256,
      name,
      loadedBytes: this.#loadedBytes,
      totalBytes: bytes,
      fromCache: this.#fromCache,
    });
  }
}

type Chunk = { index: number; bytes: Uint8Array<ArrayBuffer> };

/** Cuts a stream of bytes into the file's chunks. */
class ChunkAssembler {
  readonly #fileBytes: number;
  #buffer = new Uint8Array(0);
  #filled = 0;

  constructor(fileBytes: number) {
    this.#fileBytes = fileBytes;
  }

  /** Takes bytes that stand at `at` in the file, in order, and gives the chunks they complete. */
  *push(bytes: Uint8Array, at: number): Generator<Chunk> {
    // What a server sends beyond the file is not looked at.
    for (let offset = 0; offset < bytes.length && at + offset < this.#fileBytes;) {
      const index = Math.floor((at + offset) / CHUNK_BYTES);
      if (this.#filled === 0)
        this.#buffer = new Uint8Array(Math.min(CHUNK_BYTES, this.#fileBytes - index * CHUNK_BYTES));
      const part = bytes.subarray(offset, offset + this.#buffer.length - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      offset += part.length;
      if (this.#filled < this.#buffer.length) continue;
      this.#filled = 0;
      yield { index, bytes: this.#buffer };
    }
  }
}
