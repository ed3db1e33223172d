import type { Stream } from '@libp2p/interface';
import type { GenericSchema } from 'valibot';
import { decodeMessage, encodeMessage } from './codec.ts';
import { encodeFrame, FrameDecoder } from './frame.ts';
import { MAX_FRAME_BYTES, MESSAGE_TIMEOUT_MS } from './limits.ts';
import { errorText, fail, type Outcome } from './outcome.ts';

export type WireFailure = 'MALFORMED' | 'TOO_LARGE' | 'TIMED_OUT';

export type WireOptions<In> = {
  schema: GenericSchema<unknown, In>;
  maxBytes: number;
  /** A message that has begun must be complete within this time. */
  messageTimeoutMs?: number;
};

/** Complete messages waiting for their reader before the sender is paused. */
const MAX_QUEUED = 16;

/**
 * Messages over one libp2p stream, in both realms. Reading gives every message or the reason why it is none; framing
 * failures and time-outs end the stream, a message that is well framed but makes no sense does not. Nothing throws.
 */
export class Wire<In, Out extends { type: string }> {
  readonly #stream: Stream;
  readonly #options: Required<WireOptions<In>>;
  readonly #decoder: FrameDecoder;
  readonly #queue: Outcome<In, WireFailure>[] = [];
  #wake: (() => void) | null = null;
  #ended = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(stream: Stream, options: WireOptions<In>) {
    this.#stream = stream;
    this.#options = { messageTimeoutMs: MESSAGE_TIMEOUT_MS, ...options };
    this.#decoder = new FrameDecoder(options.maxBytes);
    // A paused stream must hold one whole message, or a large one would reset it.
    stream.maxReadBufferLength = Math.max(stream.maxReadBufferLength, 2 * options.maxBytes);
    stream.addEventListener('message', (event) => {
      const data = event.data;
      this.#receive(data instanceof Uint8Array ? data : data.subarray());
    });
    stream.addEventListener('remoteCloseWrite', () => this.#end());
    stream.addEventListener('close', () => this.#end());
  }

  get closed(): boolean {
    return this.#ended;
  }

  /** Messages in the order they came, until the other side closes or breaks the framing. */
  async *messages(): AsyncGenerator<Outcome<In, WireFailure>, void, void> {
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) {
        if (this.#queue.length < MAX_QUEUED / 2 && this.#stream.readStatus === 'paused')
          this.#stream.resume();
        yield next;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    }
  }

  /** The next message, or null when the stream has ended. For request and reply. */
  async next(): Promise<Outcome<In, WireFailure> | null> {
    for await (const message of this.messages()) return message;
    return null;
  }

  /** Sends in order, in frames of at most 16 KiB, waiting where the transport asks to. False when the stream is gone. */
  send(message: Out): Promise<boolean> {
    const frame = encodeFrame(encodeMessage(message));
    const done = this.#sending.then(() => this.#write(frame));
    this.#sending = done;
    return done;
  }

  /** Closes after what was sent. */
  async close(): Promise<void> {
    await this.#sending;
    try {
      await this.#stream.close({ signal: AbortSignal.timeout(5_000) });
    } catch (error) {
      this.abort(errorText(error));
    }
    this.#end();
  }

  /** Drops the stream at once. */
  abort(reason: string): void {
    this.#stream.abort(new Error(reason));
    this.#end();
  }

  async #write(frame: Uint8Array): Promise<boolean> {
    try {
      for (let at = 0; at < frame.length; at += MAX_FRAME_BYTES) {
        if (!this.#stream.send(frame.subarray(at, at + MAX_FRAME_BYTES))) {
          await this.#stream.onDrain({ signal: AbortSignal.timeout(this.#options.messageTimeoutMs) });
        }
      }
      return true;
    } catch (error) {
      // A peer that does not read cannot make us keep its messages.
      if (!this.#ended) this.abort(errorText(error));
      return false;
    }
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ended) return;
    const frames = this.#decoder.push(chunk);
    if (!frames.ok) return this.#break(frames.code, frames.message);
    for (const frame of frames.value) this.#push(decodeMessage(this.#options.schema, frame));
    if (frames.value.length > 0 || !this.#decoder.midFrame) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    if (this.#decoder.midFrame && this.#timer === undefined) {
      this.#timer = setTimeout(
        () => this.#break('TIMED_OUT', 'the message did not arrive in time'),
        this.#options.messageTimeoutMs,
      );
    }
    if (this.#queue.length > MAX_QUEUED && this.#stream.readStatus === 'readable') this.#stream.pause();
  }

  #break(code: WireFailure, message: string): void {
    this.#push(fail(code, message));
    this.#end();
  }

  #push(item: Outcome<In, WireFailure>): void {
    this.#queue.push(item);
    this.#wake?.();
    this.#wake = null;
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#wake?.();
    this.#wake = null;
  }
}
