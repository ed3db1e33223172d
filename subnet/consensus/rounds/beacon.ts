import { hashCbor } from '../../../protocol/cbor.ts';
import type { PeerId } from '../../../protocol/ids.ts';

/**
 * The beacon of the next epoch (32 bytes): all that went before, and what each validator that revealed had committed to
 * before it knew the others' values. Whoever reveals last can still choose between being in and being out.
 */
export const nextBeacon = (previous: Uint8Array, values: ReadonlyMap<PeerId, Uint8Array>): Uint8Array =>
  hashCbor({
    domain: 'gridtab/beacon/1',
    previous,
    values: [...values].sort(([a], [b]) => (a < b ? -1 : 1)),
  });
