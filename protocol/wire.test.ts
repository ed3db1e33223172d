import type { Stream } from '@libp2p/interface';
import { byteStream, streamPair } from '@libp2p/utils';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { concatBytes } from './bytes.ts';
import { encodeMessage } from './codec.ts';
import { encodeFrame } from './frame.ts';
import { bytes, uint } from './schema.ts';
import { Wire } from './wire.ts';

const MAX_BYTES = 100_000;
const schema = v.strictObject({ type: v.literal('m'), n: uint(), pad: bytes(0, MAX_BYTES) });
type Message = v.InferOutput<typeof schema>;
type TestWire = Wire<Message, Message>;

const message = (n: number, padding = 0): Message => ({ type: 'm', n, pad: new Uint8Array(padding) });
const frame = (n: number, padding = 0): Uint8Array => encodeFrame(encodeMessage(message(n, padding)));

/** The raw end of a peer that may do anything, and the wire under test at the other. */
async function pair(options: { messageTimeoutMs?: number } = {}) {
  const [raw, stream] = await streamPair();
  const { messageTimeoutMs = 5_000 } = options;
  const wire: TestWire = new Wire(stream, { schema, maxBytes: MAX_BYTES, messageTimeoutMs });
  return { raw, stream, wire };
}

async function collect(wire: TestWire): Promise<(number | string)[]> {
  const got: (number | string)[] = [];
  for await (const m of wire.messages()) got.push(m.ok ? m.value.n : m.code);
  return got;
}

const closed = (stream: Stream): Promise<unknown> =>
  new Promise((resolve) => stream.addEventListener('close', resolve, { once: true }));
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('Wire', () => {
  it('carries messages of every size in order, both ways', async () => {
    const [left, right] = await streamPair();
    const a: TestWire = new Wire(left, { schema, maxBytes: MAX_BYTES });
    const b: TestWire = new Wire(right, { schema, maxBytes: MAX_BYTES });
    const back = collect(a);
    const sizes = [0, 1, 16_383, 16_384, 50_000, 90_000, 3];
    for (const [n, size] of sizes.entries()) void a.send(message(n, size));
    const got: number[] = [];
    for await (const m of b.messages()) {
      if (!m.ok) throw new Error(m.message);
      got.push(m.value.pad.length);
      await b.send(message(m.value.n));
      if (got.length === sizes.length) break;
    }
    await b.close();
    expect(got).toEqual(sizes);
    expect(await back).toEqual(upTo(sizes.length));
  });

  it('gives messages that came before the end of the stream, however late they are read', async () => {
    const { raw, wire } = await pair();
    for (const n of upTo(100)) raw.send(frame(n));
    await raw.close();
    await sleep(50);
    expect(await collect(wire)).toEqual(upTo(100));
  });

  it('ends on a stream that was over before anybody listened, after what was read ahead', async () => {
    const [empty, over] = await streamPair();
    await empty.close();
    await sleep(20);
    expect(await collect(new Wire(over, { schema, maxBytes: MAX_BYTES }))).toEqual([]);

    const [raw, stream] = await streamPair();
    raw.send(concatBytes(Uint8Array.of(9), frame(1), frame(2)));
    await raw.close();
    const negotiation = byteStream(stream);
    await negotiation.read({ bytes: 1 });
    await sleep(20);
    negotiation.unwrap();
    expect(stream.readableEnded).toBe(true);
    expect(await collect(new Wire(stream, { schema, maxBytes: MAX_BYTES }))).toEqual([1, 2]);
  });

  it('pauses a sender that is faster than its reader, and goes on without a loss', async () => {
    const { raw, stream, wire } = await pair();
    for (const n of upTo(40)) raw.send(frame(n, 1000));
    await sleep(50);
    expect(stream.readStatus).toBe('paused');
    const got: number[] = [];
    for await (const m of wire.messages()) {
      got.push(m.ok ? m.value.n : -1);
      await sleep(1);
      if (got.length === 40) await raw.close();
    }
    expect(got).toEqual(upTo(40));
    expect(stream.readStatus).not.toBe('paused');
  });

  it('gives all that came before a reset, however late it is read', async () => {
    const { raw, stream, wire } = await pair();
    raw.send(concatBytes(...upTo(16).map((n) => frame(n))));
    await sleep(20);
    expect(stream.readStatus).toBe('paused');
    // More arrives meanwhile, as it does on transports whose senders are not told to pause.
    stream.push(concatBytes(...upTo(20).map((n) => frame(16 + n))));
    raw.abort(new Error('gone'));
    await closed(stream);
    expect(await collect(wire)).toEqual(upTo(36));
  });

  it('resets the stream of a sender that goes on while paused', async () => {
    const { raw, stream, wire } = await pair();
    const gone = closed(stream);
    stream.maxReadBufferLength = 300_000;
    for (const n of upTo(1000)) {
      if (raw.status !== 'open') break;
      raw.send(frame(n, 10_000));
      await sleep(0);
    }
    await gone;
    expect(stream.status).toBe('aborted');
    expect(wire.closed).toBe(true);
  });

  it('decodes no more than is asked for', async () => {
    const { raw, wire } = await pair();
    raw.send(new Uint8Array(1_000_000)); // a million frames without a message in them
    await sleep(20);
    const started = performance.now();
    expect(await wire.next()).toMatchObject({ ok: false, code: 'MALFORMED' });
    expect(performance.now() - started).toBeLessThan(200);
    wire.abort('enough');
    const rest = await collect(wire);
    expect(rest.length).toBeLessThan(20);
  });

  it('says what is wrong with a message and reads the next one', async () => {
    const { raw, wire } = await pair();
    raw.send(concatBytes(frame(1), encodeFrame(Uint8Array.of(0xff)), frame(2)));
    await raw.close();
    expect(await collect(wire)).toEqual([1, 'MALFORMED', 2]);
  });

  it('ends at a frame that is too large, after what came before it', async () => {
    const { raw, wire } = await pair();
    raw.send(concatBytes(frame(1), Uint8Array.of(0xff, 0xff, 0x7f), frame(2)));
    expect(await collect(wire)).toEqual([1, 'TOO_LARGE']);
    expect(wire.closed).toBe(true);
  });

  it('ends at a message that does not arrive in time, trickled or not', async () => {
    const silent = await pair({ messageTimeoutMs: 60 });
    silent.raw.send(frame(1, 100).slice(0, 20));
    expect(await collect(silent.wire)).toEqual(['TIMED_OUT']);

    const trickling = await pair({ messageTimeoutMs: 60 });
    const started = performance.now();
    const got = collect(trickling.wire);
    const timer = setInterval(() => trickling.raw.send(Uint8Array.of(0)), 10);
    trickling.raw.send(frame(1, 1000).slice(0, 20));
    expect(await got).toEqual(['TIMED_OUT']);
    clearInterval(timer);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('has all the time of the world between messages, and for a reader that is slow itself', async () => {
    const { raw, wire } = await pair({ messageTimeoutMs: 40 });
    raw.send(frame(0));
    await sleep(100);
    // The last of these is in pieces, and its first piece is held back with the rest.
    raw.send(concatBytes(...upTo(30).map((n) => frame(n + 1)), frame(31).slice(0, 2)));
    await sleep(100);
    const reading = collect(wire);
    await sleep(10);
    raw.send(frame(31).slice(2));
    await sleep(30);
    await raw.close();
    expect(await reading).toEqual(upTo(32));
  });

  it('loses a truncated message with its stream, without a word', async () => {
    const { raw, wire } = await pair();
    raw.send(concatBytes(frame(1), frame(2).slice(0, 3)));
    await raw.close();
    expect(await collect(wire)).toEqual([1]);
  });

  it('drops a peer that does not read', async () => {
    const { raw, stream, wire } = await pair({ messageTimeoutMs: 60 });
    stream.send = () => false;
    stream.onDrain = (options) =>
      new Promise((_, reject) =>
        options?.signal?.addEventListener('abort', () => reject(new Error('no drain'))),
      );
    const gone = closed(raw);
    expect(await wire.send(message(1))).toBe(false);
    await gone;
    expect(stream.status).toBe('aborted');
    expect(await wire.send(message(2))).toBe(false);
  });

  it('says false when the stream is gone, whoever ended it', async () => {
    const ours = await pair();
    ours.wire.abort('stop');
    expect(await ours.wire.send(message(1))).toBe(false);
    const theirs = await pair();
    theirs.raw.abort(new Error('reset'));
    await closed(theirs.stream);
    expect(await theirs.wire.send(message(1))).toBe(false);
    expect(await theirs.wire.next()).toBeNull();
  });
});
