import { HEADER_BYTES } from '../../protocol/header.ts';
import {
  K,
  bigSigma0,
  bigSigma1,
  choose,
  compress,
  initialState,
  majority,
  rounds,
  smallSigma0,
  smallSigma1,
} from './sha256.ts';
import type { State } from './sha256.ts';

/** A nonce search: every nonce of a range put into a preimage, against a target. */
export type HashJob = {
  /** 80 bytes, nonce zero (protocol/header.ts). */
  preimage: Uint8Array;
  /** A digest read as a little-endian number reaches the target when it is not above it. */
  target: bigint;
  /** u32 */
  nonceStart: number;
  /** 1 to 2^32 - nonceStart */
  nonceCount: number;
};

/** The part of the job that does not depend on the nonce: state after the first 64 bytes, and the words after them. */
export type Midstate = { state: State; tail: readonly [root: number, time: number, bits: number] };

/** Throws RangeError when `preimage` is not 80 bytes. */
export function midstateOf(preimage: Uint8Array): Midstate {
  if (preimage.length !== HEADER_BYTES) throw new RangeError(`preimage: expected ${HEADER_BYTES} bytes`);
  const view = new DataView(preimage.buffer, preimage.byteOffset, preimage.byteLength);
  const schedule = new Int32Array(64);
  for (let i = 0; i < 16; i++) schedule[i] = view.getInt32(i * 4);
  const state = initialState();
  compress(state, initialState(), schedule);
  return { state, tail: [view.getInt32(64), view.getInt32(68), view.getInt32(72)] };
}

/** Most significant 32 bits of a digest as a number: what a kernel looks at first. */
export const topWord = (number: bigint): number => Number(number >> 224n);

/** A u32 with its bytes in the other order, as u32. */
export const swapBytes = (x: number): number =>
  ((x >>> 24) | ((x >>> 8) & 0xff00) | ((x << 8) & 0xff_0000) | (x << 24)) >>> 0;

/**
 * Ones where the last word of a digest (as SHA-256 gives it, so byte-swapped) must be zero for any digest that reaches
 * `target`: passes every hit and at most twice as many others.
 */
export const rejectMask = (target: bigint): number => {
  const zeros = Math.clz32(topWord(target));
  return zeros === 0 ? 0 : swapBytes((0xffff_ffff << (32 - zeros)) >>> 0);
};

/** Words of `struct Job` in shaders/sha256d.wgsl, in its order; the generator writes the struct from this list. */
export const JOB_FIELDS = [
  // Set for every slice.
  'start', 'count',
  // The target: first look, and its most significant word.
  'mask', 'top',
  // The midstate, added to the state at the end of the first hash.
  'm0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7',
  // The state after rounds 0 to 2, as far as round 4 and later still read it.
  'a3', 'b3', 'c3', 'e3', 'f3', 'axb3',
  // Round 3 is these plus the nonce word; h + K + w of rounds 4 to 6.
  'a4', 'e4', 'hk4', 'hk5', 'hk6',
  // The job's part of the message schedule, and K + w of rounds 16 and 17.
  'w16', 'w17', 'kw16', 'kw17', 'w18', 'w19', 'w31', 'w32',
] as const; // prettier-ignore
export type JobField = (typeof JOB_FIELDS)[number];
export const JOB_WORDS = JOB_FIELDS.length;

/** Everything a kernel needs that no nonce changes, `start` and `count` zero: JOB_WORDS words. */
export function jobWords(job: Pick<HashJob, 'preimage' | 'target'>): Uint32Array<ArrayBuffer> {
  const { state: m, tail } = midstateOf(job.preimage);
  const schedule = new Int32Array(64);
  schedule.set(tail);
  const s = new Int32Array(8);
  rounds(s, m, schedule, 0, 3);
  const [a, b, c, d, e, f, g, h] = [...s] as [number, number, number, number, number, number, number, number];
  const [w0, w1, w2] = tail;
  const t1 = h + bigSigma1(e) + choose(e, f, g) + K[3]!;
  // Message words 4 to 15 are padding: a one bit, zeros, and the length of the header in bits.
  const w4 = 0x8000_0000;
  const w15 = HEADER_BYTES * 8;
  const w16 = smallSigma0(w1) + w0;
  const w17 = smallSigma1(w15) + smallSigma0(w2) + w1;
  const fields: Record<JobField, number> = {
    start: 0,
    count: 0,
    mask: rejectMask(job.target),
    top: topWord(job.target),
    m0: m[0]!,
    m1: m[1]!,
    m2: m[2]!,
    m3: m[3]!,
    m4: m[4]!,
    m5: m[5]!,
    m6: m[6]!,
    m7: m[7]!,
    a3: a,
    b3: b,
    c3: c,
    e3: e,
    f3: f,
    axb3: a ^ b,
    a4: t1 + bigSigma0(a) + majority(a, b, c),
    e4: d + t1,
    hk4: g + K[4]! + w4,
    hk5: f + K[5]!,
    hk6: e + K[6]!,
    w16,
    w17,
    kw16: K[16]! + w16,
    kw17: K[17]! + w17,
    w18: smallSigma1(w16) + w2,
    w19: smallSigma1(w17) + smallSigma0(w4),
    w31: smallSigma0(w16) + w15,
    w32: smallSigma0(w17) + w16,
  };
  return Uint32Array.from(JOB_FIELDS, (name) => fields[name] >>> 0);
}

const MASK_AT = JOB_FIELDS.indexOf('mask');
const TOP_AT = JOB_FIELDS.indexOf('top');

/** Puts another target into the words of a job. */
export function aimAt(words: Uint32Array, target: bigint): void {
  words[MASK_AT] = rejectMask(target);
  words[TOP_AT] = topWord(target);
}
