import * as varint from 'uint8-varint';
import { concatBytes } from './bytes.ts';
import { fail, ok, type Outcome } from './outcome.ts';

export type FrameFailure = 'MALFORMED' | 'TOO_LARGE';

/** A varint length of at most 2^28: enough for every limit, and a bound on how long a length may be. */
const MAX_LENGTH_BYTES = 4;

/** `payload` behind its length as an unsigned varint (multiformats). */
export const encodeFrame = (payload: Uint8Array): Uint8Array =>
  concatBytes(varint.encode(payload.length), payload);

/**
 * Takes bytes as they come and gives whole payloads. Holds at most `maxBytes` and a length: a length above the limit is
 * refused before any of its payload is kept. After a failure the stream cannot be read on.
 */
export class FrameDecoder {
  readonly #maxBytes: number;
  #length: number[] = [];
  #payload: Uint8Array | null = null;
  #filled = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a frame has begun and is not complete. */
  get midFrame(): boolean {
    return this.#payload !== null || this.#length.length > 0;
  }

  /**
   * The payloads that `chunk` completes, each read when it is asked for: a chunk of a thousand tiny frames costs nothing
   * before somebody wants them. Read to the end, or to the failure, before the next chunk is pushed.
   */
  *push(chunk: Uint8Array): Generator<Outcome<Uint8Array, FrameFailure>, void, void> {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#payload === null) {
        const length = this.#readLength(chunk[offset++] ?? 0);
        if (length === null) continue;
        if (!length.ok) return yield length;
        this.#payload = new Uint8Array(length.value);
        this.#filled = 0;
      } else {
        const part = chunk.subarray(offset, offset + this.#payload.length - this.#filled);
        this.#payload.set(part, this.#filled);
        this.#filled += part.length;
        offset += part.length;
      }
      if (this.#filled === this.#payload.length) {
        const payload = this.#payload;
        this.#payload = null;
        yield ok(payload);
      }
    }
  }

  /** Takes one byte of a length; the length when it is complete, null before. */
  #readLength(byte: number): Outcome<number, FrameFailure> | null {
    this.#length.push(byte);
    if ((byte & 0x80) !== 0) {
      return this.#length.length < MAX_LENGTH_BYTES
        ? null
        : fail('TOO_LARGE', 'frame length is longer than four bytes');
    }
    if (byte === 0 && this.#length.length > 1)
      return fail('MALFORMED', 'frame length is not in its shortest form');
    const length = varint.decode(Uint8Array.from(this.#length));
    if (length > this.#maxBytes)
      return fail('TOO_LARGE', `frame of ${length} bytes, at most ${this.#maxBytes} allowed`);
    this.#length = [];
    return ok(length);
  }
}
