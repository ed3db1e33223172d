import { describe, expect, it } from 'vitest';
import { targetFromBits } from '../../protocol/target.ts';
import { JOB_WORDS, jobWords, rejectMask, swapBytes, topWord } from './job.ts';
import { compress, initialState } from './sha256.ts';

describe('job', () => {
  it('compresses "abc" to the digest of FIPS 180-4', () => {
    const schedule = new Int32Array(64);
    schedule.set([0x61626380]);
    schedule[15] = 24;
    const out = initialState();
    compress(out, initialState(), schedule);
    expect([...new Uint32Array(out.buffer)]).toEqual([
      0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad,
    ]);
  });

  it('masks what must be zero in the last digest word, byte-swapped', () => {
    expect(rejectMask(targetFromBits(0x1d00ffff))).toBe(0xffff_ffff);
    expect(rejectMask(0xffffn << 224n)).toBe(0x0000_ffff);
    expect(rejectMask(0x00ff_ffffn << 224n)).toBe(0xff);
    expect(rejectMask((1n << 256n) - 1n)).toBe(0);
    expect(topWord(0xffffn << 224n)).toBe(0xffff);
    expect(swapBytes(0x01020384)).toBe(0x84030201);
  });

  it('fills every word and refuses a preimage of another length', () => {
    expect(jobWords({ preimage: new Uint8Array(80), target: 1n })).toHaveLength(JOB_WORDS);
    expect(() => jobWords({ preimage: new Uint8Array(79), target: 1n })).toThrow(RangeError);
  });
});
