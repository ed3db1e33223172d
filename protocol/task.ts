import { toHex } from './bytes.ts';
import { hashCbor } from './cbor.ts';
import type { PeerId, TaskId } from './ids.ts';
import type { Unit } from './kinds/registry.ts';

/** Everything a task id binds a unit to. A result names its task id, so it fits no other epoch, subnet or peer. */
export type TaskBinding = {
  /** 32 bytes (manifest.ts, `subnetIdOf`). */
  subnet: Uint8Array;
  validator: PeerId;
  epoch: number;
  /** 32 bytes, fixed for the epoch. */
  beacon: Uint8Array;
  peer: PeerId;
  /** Counts up per peer, so that the same input twice is two tasks. */
  seq: number;
};

/** 32 bytes: `sha256(dag-cbor({domain, subnet, validator, epoch, beacon, kind, spec, input, peer, seq}))`. */
export const taskIdBytes = (binding: TaskBinding, unit: Unit): Uint8Array =>
  taskIdFromInput(binding, unit, hashCbor(unit.input));

/** The same from `input`, the SHA-256 of the input's dag-cbor: for who has megabytes of it hashed elsewhere. */
export function taskIdFromInput(
  binding: TaskBinding,
  unit: Pick<Unit, 'kind' | 'spec'>,
  input: Uint8Array,
): Uint8Array {
  return hashCbor({
    domain: 'gridtab/task/1',
    subnet: binding.subnet,
    validator: binding.validator,
    epoch: binding.epoch,
    beacon: binding.beacon,
    kind: unit.kind,
    // Hashed on their own, so that the id of a unit with megabytes of input can be checked from two digests.
    spec: hashCbor(unit.spec),
    input,
    peer: binding.peer,
    seq: binding.seq,
  });
}

export const taskIdOf = (bytes: Uint8Array): TaskId => toHex(bytes) as TaskId;
