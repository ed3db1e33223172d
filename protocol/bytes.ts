import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import type { Sha256Hex } from './ids.ts';

export { concatBytes, hexToBytes };

/** Lower-case hex of `bytes`. */
export const toHex = (bytes: Uint8Array): string => bytesToHex(bytes);

/** SHA-256 of `bytes`: 32 bytes (FIPS 180-4). */
export const sha256 = (bytes: Uint8Array): Uint8Array => nobleSha256(bytes);

/** SHA-256 of `bytes` as lower-case hex. */
export const sha256Hex = (bytes: Uint8Array): Sha256Hex => bytesToHex(nobleSha256(bytes)) as Sha256Hex;

/** Double SHA-256, as Bitcoin hashes block headers: 32 bytes, to be read little-endian as a number. */
export const sha256d = (bytes: Uint8Array): Uint8Array => nobleSha256(nobleSha256(bytes));

/** Byte equality. Not constant-time: nothing compared here is a secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  // Four bytes at a time where both lie on word boundaries: messages of megabytes are compared on the main thread.
  const words = (a.byteOffset | b.byteOffset) % 4 === 0 ? a.length >>> 2 : 0;
  const wordsOfA = new Uint32Array(a.buffer, words > 0 ? a.byteOffset : 0, words);
  const wordsOfB = new Uint32Array(b.buffer, words > 0 ? b.byteOffset : 0, words);
  for (let i = 0; i < words; i++) if (wordsOfA[i] !== wordsOfB[i]) return false;
  for (let i = words * 4; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Which of two pieces of `length` bytes comes first, byte by byte: negative, 0 or positive. */
export function compareAt(a: Uint8Array, i: number, b: Uint8Array, j: number, length: number): number {
  for (let k = 0; k < length; k++) {
    const difference = (a[i + k] ?? 0) - (b[j + k] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
