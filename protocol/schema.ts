import * as v from 'valibot';
import { MAX_TEXT_CHARS } from './limits.ts';
import type { PeerId } from './ids.ts';

/** Schema pieces shared by messages, manifest and receipts. Every object is strict: unknown fields are refused. */
export const bytes = (min: number, max: number = min) =>
  v.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.length >= min && value.length <= max,
    `expected ${min === max ? min : `${min} to ${max}`} bytes`,
  );
export const hash32 = bytes(32);
export const signature64 = bytes(64);
export const uint = (max: number = Number.MAX_SAFE_INTEGER) =>
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));
export const uint32 = uint(0xffff_ffff);
/** Integers up to 2^64-1; CBOR hands back a number where it fits exactly. */
export const uint64 = v.pipe(
  v.union([v.bigint(), v.pipe(v.number(), v.safeInteger())]),
  v.transform((n) => BigInt(n)),
  v.minValue(0n),
  v.maxValue(0xffff_ffff_ffff_ffffn),
);
/** Counts and durations measured by a tab: shown, never scored. */
export const measure = v.pipe(v.number(), v.finite(), v.minValue(0));
export const text = v.pipe(v.string(), v.maxLength(MAX_TEXT_CHARS));
export const peerId = v.pipe(
  v.string(),
  v.regex(/^[1-9A-HJ-NP-Za-km-z]{46,64}$/, 'expected a peer id'),
  v.transform((s) => s as PeerId),
);
export const hex = (byteLength: number) =>
  v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${byteLength * 2}}$`), 'expected lower-case hex'));
