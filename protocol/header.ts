/**
 * The 80-byte preimage of hash work, laid out like a Bitcoin block header so that rates and kernels compare:
 * version ‖ previous hash ‖ Merkle root ‖ time ‖ bits ‖ nonce, integers little-endian.
 * In subnet work the beacon stands in the place of the previous hash and the task id in that of the Merkle root, which
 * binds every share to its peer, epoch, subnet and validator.
 */
export type HeaderFields = {
  /** u32 */
  version: number;
  /** 32 bytes in header order (for Bitcoin: the displayed hash reversed). */
  previous: Uint8Array;
  /** 32 bytes in header order. */
  root: Uint8Array;
  /** u32; the extra nonce of subnet work. */
  time: number;
  /** u32 compact target (target.ts). */
  bits: number;
};

export const HEADER_BYTES = 80;
export const ROOT_OFFSET = 36;
export const TIME_OFFSET = 68;
export const NONCE_OFFSET = 76;

/** The header with `nonce` (u32) in place. Throws RangeError when a hash field is not 32 bytes. */
export function encodeHeader(fields: HeaderFields, nonce: number): Uint8Array {
  if (fields.previous.length !== 32) throw new RangeError('previous: expected 32 bytes');
  if (fields.root.length !== 32) throw new RangeError('root: expected 32 bytes');
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, fields.version, true);
  header.set(fields.previous, 4);
  header.set(fields.root, ROOT_OFFSET);
  view.setUint32(TIME_OFFSET, fields.time, true);
  view.setUint32(72, fields.bits, true);
  view.setUint32(NONCE_OFFSET, nonce, true);
  return header;
}
