import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { toHex } from '../bytes.ts';
import { MAX_SHARES } from '../limits.ts';
import { digestToNumber, targetFromBits } from '../target.ts';
import { sha256d } from '../bytes.ts';
import { BITCOIN_HEADERS, headerBytes } from '../vectors/bitcoin-headers.ts';
import { hashBodySchema, hashInputSchema, hashKind, hashPreimage, hashWork, reachesTarget } from './hash.ts';

const spec = { algorithm: 'sha256d' as const, version: 1, bits: 0x1d00ffff };

describe('hash work', () => {
  it.each(BITCOIN_HEADERS)('block $height reaches its target with its nonce alone', (block) => {
    const preimage = headerBytes(block, 0);
    expect(reachesTarget(preimage, block.nonce, targetFromBits(block.bits))).toBe(true);
    expect(reachesTarget(preimage, block.nonce - 1, targetFromBits(block.bits))).toBe(false);
    expect(toHex(preimage)).toBe(toHex(headerBytes(block, 0)));
  });

  it('compares the whole digest: equal reaches, one less does not', () => {
    const preimage = new Uint8Array(80);
    const digest = digestToNumber(sha256d(preimage));
    expect(reachesTarget(preimage, 0, digest)).toBe(true);
    expect(reachesTarget(preimage, 0, digest - 1n)).toBe(false);
  });

  it('binds the preimage to beacon, task and every field', () => {
    const beacon = new Uint8Array(32).fill(1);
    const taskId = new Uint8Array(32).fill(2);
    const input = { time: 5, nonceStart: 0, nonceCount: 10 };
    const preimage = hashPreimage(spec, input, beacon, taskId);
    expect(preimage.subarray(4, 36)).toEqual(beacon);
    expect(preimage.subarray(36, 68)).toEqual(taskId);
    const others = [
      hashPreimage({ ...spec, version: 2 }, input, beacon, taskId),
      hashPreimage({ ...spec, bits: 0x1d00fffe }, input, beacon, taskId),
      hashPreimage(spec, { ...input, time: 6 }, beacon, taskId),
      hashPreimage(spec, input, taskId, beacon),
    ];
    expect(new Set([preimage, ...others].map(toHex)).size).toBe(5);
  });

  it.each([
    [{ nonceStart: 0, nonceCount: 2 ** 32 }, true],
    [{ nonceStart: 2 ** 32 - 1, nonceCount: 1 }, true],
    [{ nonceStart: 1, nonceCount: 2 ** 32 }, false],
    [{ nonceStart: 2 ** 32 - 1, nonceCount: 2 }, false],
    [{ nonceStart: 0, nonceCount: 0 }, false],
    [{ nonceStart: -1, nonceCount: 5 }, false],
    [{ nonceStart: 0.5, nonceCount: 5 }, false],
  ])('range %o is valid: %s', (range, valid) => {
    expect(v.safeParse(hashInputSchema, { time: 0, ...range }).success).toBe(valid);
  });

  it('bounds the shares of a result', () => {
    expect(v.safeParse(hashBodySchema, { nonces: Array(MAX_SHARES).fill(1) }).success).toBe(true);
    expect(v.safeParse(hashBodySchema, { nonces: Array(MAX_SHARES + 1).fill(1) }).success).toBe(false);
    expect(v.safeParse(hashBodySchema, { nonces: [2 ** 32] }).success).toBe(false);
  });

  it('counts shares times their difficulty, and digests what it counts', () => {
    const range = { time: 0, nonceStart: 0, nonceCount: 5000 };
    expect(hashWork(spec, range, { nonces: [1, 2, 3] })).toBe(3n * 0x1_0001_0001n);
    expect(hashWork(spec, range, { nonces: [] })).toBe(0n);
    expect(hashWork({ ...spec, exhaustive: true }, range, { nonces: [1] })).toBe(5000n);
    expect(toHex(hashKind.digest({ nonces: [1] }))).not.toBe(toHex(hashKind.digest({ nonces: [2] })));
  });
});
