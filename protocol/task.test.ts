import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256, toHex } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import type { PeerId } from './ids.ts';
import type { Unit } from './kinds/registry.ts';
import { taskIdBytes, taskIdOf, type TaskBinding } from './task.ts';
import { unit as anyUnit } from './testing/messages.ts';

const binding: TaskBinding = {
  subnet: new Uint8Array(32).fill(1),
  validator: '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X' as PeerId,
  epoch: 3,
  beacon: new Uint8Array(32).fill(2),
  peer: '12D3KooWH3uVF6wv47WnArKHk5p6cvgCJEb74UTmxztmQDc298L3' as PeerId,
  seq: 4,
};
const unit: Unit = {
  kind: 'hash',
  spec: { algorithm: 'sha256d', version: 1, bits: 0x1d00ffff },
  input: { time: 5, nonceStart: 6, nonceCount: 7 },
};
const id = toHex(taskIdBytes(binding, unit));

describe('task id', () => {
  it('is sha256 over the binding, with spec and input as digests', () => {
    const { kind, spec, input } = unit;
    const preimage = {
      ...binding,
      domain: 'gridtab/task/1',
      kind,
      spec: sha256(encodeCbor(spec)),
      input: sha256(encodeCbor(input)),
    };
    expect(id).toBe(toHex(sha256(encodeCbor(preimage))));
    expect(taskIdOf(taskIdBytes(binding, unit))).toBe(id);
  });

  it.each<[string, Partial<TaskBinding>]>([
    ['subnet', { subnet: new Uint8Array(32).fill(9) }],
    ['validator', { validator: binding.peer }],
    ['epoch', { epoch: 4 }],
    ['beacon', { beacon: new Uint8Array(32).fill(9) }],
    ['peer', { peer: binding.validator }],
    ['seq', { seq: 5 }],
  ])('is another for another %s', (_, change) => {
    expect(toHex(taskIdBytes({ ...binding, ...change }, unit))).not.toBe(id);
  });

  it.each<[string, Unit]>([
    ['spec', { ...unit, spec: { ...unit.spec, bits: 0x1d00fffe } }],
    ['extra nonce', { ...unit, input: { ...unit.input, time: 6 } }],
    ['range', { ...unit, input: { ...unit.input, nonceCount: 8 } }],
  ])('is another for another %s', (_, changed) => {
    expect(toHex(taskIdBytes(binding, changed))).not.toBe(id);
  });

  it('is the same for two units only when they are the same', () => {
    fc.assert(
      fc.property(anyUnit, anyUnit, (a, b) => {
        const same = toHex(encodeCbor(a)) === toHex(encodeCbor(b));
        expect(toHex(taskIdBytes(binding, a)) === toHex(taskIdBytes(binding, b))).toBe(same);
      }),
    );
  });
});
