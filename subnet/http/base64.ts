import * as v from 'valibot';

/** Bytes in JSON: RFC 4648, section 4, padded. */
export const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

/** A copy of its own: small Buffers share a pool. */
const fromBase64 = (encoded: string): Uint8Array => Uint8Array.from(Buffer.from(encoded, 'base64'));

/** Strict, by encoding back: Buffer alone would skip what it does not know. */
export const base64 = v.pipe(
  v.string(),
  v.transform((encoded) => ({ encoded, bytes: fromBase64(encoded) })),
  v.check(
    ({ encoded, bytes }) => Buffer.from(bytes.buffer).toString('base64') === encoded,
    'expected base64',
  ),
  v.transform(({ bytes }) => bytes),
);
