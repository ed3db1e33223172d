/**
 * SHA-256 on 32-bit words (FIPS 180-4): the block function on its own, which libraries keep to themselves. Midstates
 * and what a kernel precomputes come from here; results are always rechecked with @noble/hashes.
 */

/** First 32 bits of the fractional parts of the square roots of the first 8 primes (section 5.3.3). */
export const IV: readonly number[] = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
// prettier-ignore
export const K: readonly number[] = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

const K_TABLE = Int32Array.from(K);

const rotr = (x: number, n: number): number => (x >>> n) | (x << (32 - n));
export const bigSigma0 = (x: number): number => rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22);
export const bigSigma1 = (x: number): number => rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25);
export const smallSigma0 = (x: number): number => rotr(x, 7) ^ rotr(x, 18) ^ (x >>> 3);
export const smallSigma1 = (x: number): number => rotr(x, 17) ^ rotr(x, 19) ^ (x >>> 10);
export const choose = (e: number, f: number, g: number): number => (e & f) ^ (~e & g);
export const majority = (a: number, b: number, c: number): number => (a & b) ^ (a & c) ^ (b & c);

/** Eight state words, a to h. */
export type State = Int32Array;
export const initialState = (): State => Int32Array.from(IV);

/** Fills `schedule` (64 words) from its first 16. */
export function expandSchedule(schedule: Int32Array): void {
  for (let t = 16; t < 64; t++) {
    schedule[t] =
      smallSigma1(schedule[t - 2]!) + schedule[t - 7]! + smallSigma0(schedule[t - 15]!) + schedule[t - 16]!;
  }
}

/** `state` after rounds `from` to `to - 1` of the schedule, without the final addition. Writes `out`. */
export function rounds(out: State, state: State, schedule: Int32Array, from: number, to: number): void {
  let [a, b, c, d, e, f, g, h] = state as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let t = from; t < to; t++) {
    const t1 = (h + bigSigma1(e) + choose(e, f, g) + K_TABLE[t]! + schedule[t]!) | 0;
    const t2 = (bigSigma0(a) + majority(a, b, c)) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
  out[4] = e;
  out[5] = f;
  out[6] = g;
  out[7] = h;
}

/** The state after one whole block whose 16 words are the first of `schedule`. Writes `out`; `out` may not be `state`. */
export function compress(out: State, state: State, schedule: Int32Array): void {
  expandSchedule(schedule);
  rounds(out, state, schedule, 0, 64);
  for (let i = 0; i < 8; i++) out[i] = out[i]! + state[i]!;
}
