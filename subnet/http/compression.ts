import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

export type Encoding = 'br' | 'gzip';

const brotliAsync = promisify(brotliCompress);
const gzipAsync = promisify(gzip);

/** Brotli 5 comes within a few percent of the best at a tenth of its time; gzip 6 is what gzip is made for. */
const compress = (data: Uint8Array, encoding: Encoding): Promise<Uint8Array> =>
  encoding === 'gzip'
    ? gzipAsync(data, { level: 6 })
    : brotliAsync(data, {
        params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: data.length },
      });

export type CompressionLimits = { compressedBytes: number; compressAtOnceBytes: number };

/**
 * Compressed forms of files, made once in zlib's threads and kept in memory up to a limit, the least recently used
 * going first. Large ones are made one at a time, in the background.
 */
export class CompressionCache {
  readonly #limits: CompressionLimits;
  /** By content and encoding; null where compressing does not pay. In order of use. */
  readonly #ready = new Map<string, Uint8Array | null>();
  readonly #making = new Map<string, Promise<Uint8Array | null>>();
  #keptBytes = 0;
  #background: Promise<unknown> = Promise.resolve();

  constructor(limits: CompressionLimits) {
    this.#limits = limits;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /**
   * The compressed form of the content with `hash`, or null when there is none yet (or it is of no use): then it goes
   * out as it is. `read` gives the content, and is called at most once per form.
   */
  async get(
    hash: string,
    bytes: number,
    encoding: Encoding,
    read: () => Promise<Uint8Array>,
  ): Promise<Uint8Array | null> {
    const key = `${hash}:${encoding}`;
    const ready = this.#ready.get(key);
    if (ready !== undefined) {
      this.#ready.delete(key);
      this.#ready.set(key, ready);
      return ready;
    }
    const large = bytes > this.#limits.compressAtOnceBytes;
    let making = this.#making.get(key);
    if (making === undefined) {
      const make = async () => this.#keep(key, bytes, await compress(await read(), encoding));
      making = (large ? this.#background.then(make) : make()).catch(() => this.#keep(key, bytes, null));
      if (large) this.#background = making;
      this.#making.set(key, making);
    }
    return large ? null : making;
  }

  #keep(key: string, bytes: number, made: Uint8Array | null): Uint8Array | null {
    this.#making.delete(key);
    // Less than a tenth saved is not worth the client's time, and a form that fills the cache would empty it.
    const kept =
      made !== null && made.length < bytes * 0.9 && made.length <= this.#limits.compressedBytes ? made : null;
    this.#ready.set(key, kept);
    this.#keptBytes += kept?.length ?? 0;
    for (const [oldest, form] of this.#ready) {
      if (this.#keptBytes <= this.#limits.compressedBytes) break;
      if (oldest === key) continue;
      this.#ready.delete(oldest);
      this.#keptBytes -= form?.length ?? 0;
    }
    return kept;
  }
}
