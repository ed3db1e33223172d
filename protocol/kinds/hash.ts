import * as v from 'valibot';
import { hashCbor } from '../cbor.ts';
import { encodeHeader, HEADER_BYTES } from '../header.ts';
import { asWork, type Work } from '../ids.ts';
import { MAX_SHARES } from '../limits.ts';
import { sha256d } from '../bytes.ts';
import { uint, uint32 } from '../schema.ts';
import { digestToNumber, hashesPerShare, targetFromBits } from '../target.ts';
import type { TaskKind } from './kind.ts';

/** Which hash, and how hard a share is: `bits` is the compact share target. */
export const hashSpecSchema = v.strictObject({
  algorithm: v.literal('sha256d'),
  version: uint32,
  bits: uint32,
  /**
   * The whole range has to be searched and is paid whole; without it shares are paid, and one that is kept back costs its
   * finder alone.
   */
  exhaustive: v.optional(v.literal(true)),
});
export type HashSpec = v.InferOutput<typeof hashSpecSchema>;

/** Every nonce from `nonceStart` on, `nonceCount` of them, not past 2^32. */
export const hashInputSchema = v.pipe(
  v.strictObject({ time: uint32, nonceStart: uint32, nonceCount: uint(2 ** 32) }),
  v.check((i) => i.nonceCount > 0 && i.nonceStart + i.nonceCount <= 2 ** 32, 'nonce range leaves 32 bits'),
);
export type HashInput = v.InferOutput<typeof hashInputSchema>;

/** Every nonce of the range that reaches the target, ascending. */
export const hashBodySchema = v.strictObject({ nonces: v.pipe(v.array(uint32), v.maxLength(MAX_SHARES)) });
export type HashBody = v.InferOutput<typeof hashBodySchema>;

export const hashKind: TaskKind<HashSpec, HashInput, HashBody> = {
  name: 'hash',
  specSchema: hashSpecSchema,
  inputSchema: hashInputSchema,
  bodySchema: hashBodySchema,
  digest: (body) => hashCbor(body),
  workUnit: 'hashes',
};

/** What a share of this unit is hashed over: 80 bytes, nonce zero. */
export function hashPreimage(
  spec: HashSpec,
  input: HashInput,
  beacon: Uint8Array,
  taskId: Uint8Array,
): Uint8Array {
  return encodeHeader(
    { version: spec.version, previous: beacon, root: taskId, time: input.time, bits: spec.bits },
    0,
  );
}

/** Whether `nonce` put into `preimage` (80 bytes, left unchanged) reaches `target`. */
export function reachesTarget(preimage: Uint8Array, nonce: number, target: bigint): boolean {
  const header = new Uint8Array(HEADER_BYTES);
  header.set(preimage);
  new DataView(header.buffer).setUint32(HEADER_BYTES - 4, nonce, true);
  return digestToNumber(sha256d(header)) <= target;
}

/**
 * Work of a hash result: shares times the expected hashes of one share, or the range where it has to be searched whole.
 * An integer, so that sums are exact.
 */
export const hashWork = (spec: HashSpec, input: HashInput, body: HashBody): Work =>
  asWork(
    spec.exhaustive === true
      ? BigInt(input.nonceCount)
      : BigInt(body.nonces.length) * hashesPerShare(targetFromBits(spec.bits)),
  );
