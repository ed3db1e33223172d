import * as dagCbor from '@ipld/dag-cbor';
import { equalBytes, sha256 } from './bytes.ts';
import { errorText, fail, ok, type Outcome } from './outcome.ts';

/** Deterministic CBOR (dag-cbor): one value has one encoding, so it can be hashed and signed. */
export const encodeCbor = (value: unknown): Uint8Array => dagCbor.encode(value);

/**
 * Decodes dag-cbor and insists on the one deterministic form: anything that would not encode back to the same bytes
 * (long integers, unsorted or repeated keys, trailing bytes) is refused. Never throws.
 */
export function decodeCbor(bytes: Uint8Array): Outcome<unknown, 'MALFORMED'> {
  try {
    const value: unknown = dagCbor.decode(bytes);
    return equalBytes(dagCbor.encode(value), bytes) ? ok(value) : fail('MALFORMED', 'not in canonical form');
  } catch (error) {
    return fail('MALFORMED', errorText(error));
  }
}

/** SHA-256 over the deterministic encoding of `value`. */
export const hashCbor = (value: unknown): Uint8Array => sha256(encodeCbor(value));
