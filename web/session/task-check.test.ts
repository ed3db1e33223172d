import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PeerId } from '../../protocol/ids.ts';
import type { Unit } from '../../protocol/kinds/registry.ts';
import { taskIdBytes } from '../../protocol/task.ts';
import { isTaskOf } from './task-check.ts';
import { hashUnit } from './testing/fake-validator.ts';

const bytes = new Uint8Array(32);
const binding = {
  subnet: bytes,
  validator: 'v' as PeerId,
  epoch: 1,
  beacon: bytes,
  peer: 'p' as PeerId,
  seq: 3,
};
const inferUnit = (size: number): Unit => ({
  kind: 'infer',
  spec: { model: bytes },
  input: {
    tensors: [{ name: 'x', dtype: 'uint8', dims: [size], data: new Uint8Array(size).map((_, i) => i) }],
  },
});
const leaseOf = (unit: Unit) => ({
  taskId: taskIdBytes(binding, unit),
  epoch: 1,
  beacon: bytes,
  seq: 3,
  deadlineMs: 1,
  unit,
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe.each(['secure', 'insecure'] as const)('isTaskOf on a %s origin', (origin) => {
  it.each<[string, Unit]>([
    ['a hash unit', hashUnit(5)],
    ['a small input', inferUnit(10)],
    ['a large input', inferUnit(300_000)],
  ])('holds for %s, and for nothing else', async (_, unit) => {
    if (origin === 'insecure') vi.stubGlobal('crypto', {});
    const lease = leaseOf(unit);
    expect(await isTaskOf(lease, binding)).toBe(true);
    expect(await isTaskOf(lease, { ...binding, seq: 4 })).toBe(false);
    expect(await isTaskOf({ ...lease, taskId: bytes }, binding)).toBe(false);
    expect(await isTaskOf({ ...lease, unit: inferUnit(300_001) }, binding)).toBe(false);
  });
});

it('hashes a large input through the browser', async () => {
  const digest = vi.spyOn(crypto.subtle, 'digest');
  await isTaskOf(leaseOf(inferUnit(300_000)), binding);
  expect(digest).toHaveBeenCalledTimes(1);
});
