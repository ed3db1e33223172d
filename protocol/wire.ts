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

/** Messages decoded ahead of their reader. What comes beyond stays as bytes, and the sender is paused. */
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
  /** Chunks that nobody has looked into; bounded by the stream's read buffer, since the stream is paused meanwhile. */
  readonly #chunks: Uint8Array[] = [];
  #frames: ReturnType<FrameDecoder['push']> | null = null;
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
    // Not 'close' or 'remoteCloseWrite', which come while the last messages still wait in a paused stream.
    stream.addEventListener('end', () => this.#end());
    // It may have come while the protocol was still being negotiated; what was read ahead then is delivered first.
    if (stream.readableEnded) queueMicrotask(() => this.#end());
  }

  get closed(): boolean {
    return this.#ended;
  }

  /** Messages in the order they came, until the other side closes or breaks the framing. */
  async *messages(): AsyncGenerator<Outcome<In, WireFailure>, void, void> {
    for (;;) {
      const next = this.#queue.shift();
      if (next !== undefined) {
        yield next;
      } else if (this.#take()) {
        continue;
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
    this.#drop();
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
      this.abort(errorText(error));
      return false;
    }
  }

  #receive(chunk: Uint8Array): void {
    if (this.#ended) return;
    this.#chunks.push(chunk);
    this.#take();
  }

  /** Decodes what is here, up to MAX_QUEUED messages. False when there is no message to read. */
  #take(): boolean {
    let taken = 0;
    while (this.#queue.length < MAX_QUEUED) {
      const frame = this.#frames?.next().value;
      if (frame === undefined) {
        const chunk = this.#chunks.shift();
        this.#frames = chunk === undefined ? null : this.#decoder.push(chunk);
        if (chunk === undefined) break;
      } else if (frame.ok) {
        this.#push(decodeMessage(this.#options.schema, frame.value));
        taken += 1;
      } else {
        this.#break(frame.code, frame.message);
        return true;
      }
    }
    this.#watch(taken > 0);
    return this.#queue.length > 0; // resuming may have brought more
  }

  /** Times the message that is arriving, and asks for more or for a pause. */
  #watch(progress: boolean): void {
    const held = this.#frames !== null;
    // While we hold bytes back it is us who are slow.
    if (progress || held || !this.#decoder.midFrame) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    if (this.#ended) return;
    if (!held && this.#decoder.midFrame && this.#timer === undefined) {
      const late = (): void => this.#break('TIMED_OUT', 'the message did not arrive in time');
      this.#timer = setTimeout(late, this.#options.messageTimeoutMs);
    }
    if (held && this.#stream.readStatus === 'readable') this.#stream.pause();
    if (!held && this.#stream.readStatus === 'paused') this.#stream.resume();
  }

  #break(code: WireFailure, message: string): void {
    this.#push(fail(code, message));
    this.#drop();
  }

  #push(item: Outcome<In, WireFailure>): void {
    this.#queue.push(item);
    this.#wake?.();
    this.#wake = null;
  }

  /** Ends it now, with what has not been decoded. */
  #drop(): void {
    this.#chunks.length = 0;
    this.#frames = null;
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#wake?.();
    this.#wake = null;
  }
}
