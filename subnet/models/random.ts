import { createCipheriv } from 'node:crypto';
import { hashCbor } from '../../protocol/cbor.ts';

/** Bytes drawn from the key stream at a time: a few thousand numbers, so that the cipher's set-up does not show. */
const POOL_BYTES = 16 * 1024;

/**
 * A reproducible stream of random numbers: the AES-256 key stream (counter mode, zero counter) under a 32-byte seed. Fast
 * enough for noise on every pixel, and nobody without the seed can steer it.
 */
export class Random {
  readonly #pool: () => Uint8Array;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #offset = 0;

  /** Throws RangeError when `seed` is not 32 bytes. */
  constructor(seed: Uint8Array) {
    if (seed.length !== 32) throw new RangeError('seed: expected 32 bytes');
    const cipher = createCipheriv('aes-256-ctr', seed, new Uint8Array(16));
    this.#pool = () => cipher.update(new Uint8Array(POOL_BYTES));
  }

  /** A generator seeded by SHA-256 over the deterministic CBOR of `value`. */
  static from(value: unknown): Random {
    return new Random(hashCbor(value));
  }

  uint32(): number {
    if (this.#offset === this.#view.byteLength) {
      const pool = this.#pool();
      this.#view = new DataView(pool.buffer, pool.byteOffset, pool.byteLength);
      this.#offset = 0;
    }
    const value = this.#view.getUint32(this.#offset, true);
    this.#offset += 4;
    return value;
  }

  /** In [0, 1), in steps of 2^-32. */
  unit(): number {
    return this.uint32() / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** An integer in [0, n); the bias of the modulus is below n / 2^32. */
  below(n: number): number {
    return this.uint32() % n;
  }

  /** One of `items`. Throws RangeError when there is none. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(Math.max(1, items.length))];
    if (item === undefined) throw new RangeError('items: nothing to pick from');
    return item;
  }

  /** Close to a standard normal number: the sum of four uniform ones, scaled (variance 1, |x| < 3.5). */
  normal(): number {
    return (this.unit() + this.unit() + this.unit() + this.unit() - 2) * Math.sqrt(3);
  }
}
