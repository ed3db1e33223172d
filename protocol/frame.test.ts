import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, toHex } from './bytes.ts';
import { encodeFrame, FrameDecoder } from './frame.ts';

const decodeAll = (chunks: readonly Uint8Array[], maxBytes = 1000) => {
  const decoder = new FrameDecoder(maxBytes);
  const out: string[] = [];
  for (const chunk of chunks) {
    for (const frame of decoder.push(chunk)) {
      if (!frame.ok) return { out: [...out, frame.code], decoder };
      out.push(toHex(frame.value));
    }
  }
  return { out, decoder };
};

/** `bytes` cut at `cuts`, given as fractions. */
const cut = (bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const at = [0, ...cuts.map((c) => Math.floor(c * bytes.length)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.slice(at[i], end));
};
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });
const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });

describe('frames', () => {
  it('are the payload behind its length as a varint', () => {
    expect(toHex(encodeFrame(Uint8Array.of(1, 2)))).toBe('020102');
    expect(toHex(encodeFrame(new Uint8Array(300)).slice(0, 3))).toBe('ac0200');
    expect(toHex(encodeFrame(new Uint8Array(0)))).toBe('00');
  });

  it('come out the same however the bytes are cut', () => {
    fc.assert(
      fc.property(payloads, cuts, (list, at) => {
        const { out, decoder } = decodeAll(cut(concatBytes(...list.map(encodeFrame)), at));
        expect(out).toEqual(list.map(toHex));
        expect(decoder.midFrame).toBe(false);
      }),
    );
  });

  it('fail at the same place however the bytes are cut, and never throw', () => {
    fc.assert(
      fc.property(payloads, fc.uint8Array({ maxLength: 50 }), cuts, (list, garbage, at) => {
        const bytes = concatBytes(...list.map(encodeFrame), garbage);
        expect(decodeAll(cut(bytes, at), 200).out).toEqual(decodeAll([bytes], 200).out);
      }),
      { numRuns: 500 },
    );
  });

  it('are unfinished when truncated anywhere', () => {
    const frame = encodeFrame(new Uint8Array(200).fill(5));
    for (let length = 1; length < frame.length; length++) {
      const { out, decoder } = decodeAll([frame.slice(0, length)]);
      expect(out).toEqual([]);
      expect(decoder.midFrame).toBe(true);
    }
  });

  it('are refused by their length alone, before any payload', () => {
    expect(decodeAll([encodeFrame(new Uint8Array(1000))]).out).toHaveLength(1);
    expect(decodeAll([Uint8Array.of(0xe9, 0x07)]).out).toEqual(['TOO_LARGE']); // 1001
    expect(decodeAll([Uint8Array.of(0xff, 0xff, 0xff, 0x7f)]).out).toEqual(['TOO_LARGE']);
    expect(decodeAll([Uint8Array.of(0x80, 0x80, 0x80, 0x80)]).out).toEqual(['TOO_LARGE']); // no end in sight
    expect(decodeAll([Uint8Array.of(0x81, 0x00)]).out).toEqual(['MALFORMED']); // 1, the long way
  });

  it('are read when they are asked for, not before', () => {
    const frames = new FrameDecoder(1000).push(new Uint8Array(1_000_000)); // a million empty ones
    expect(frames.next().value).toEqual({ ok: true, value: new Uint8Array(0) });
  });
});
