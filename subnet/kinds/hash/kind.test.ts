import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../protocol/bytes.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import { hashInputSchema } from '../../../protocol/kinds/hash.ts';
import * as v from 'valibot';
import type { UnitContext } from '../kind.ts';
import { hashKindNode } from './kind.ts';
import { bitsForShares } from './size.ts';

const context: UnitContext = {
  peer: '12D3KooWQYVQJ1SCfY8k4tUSrwLZNEGTvQ7J1pTTeXLCuN4m2DHV' as PeerId,
  epoch: 1,
  beacon: sha256(Uint8Array.of(1)),
  seq: 7,
  hashRate: 50_000,
};
const size = { bits: bitsForShares(4096, 16), nonceCount: 4096 };

describe('hashKindNode', () => {
  it('gives the same unit for the same context, and none that overlap', async () => {
    const kind = hashKindNode();
    const unit = await kind.nextUnit(context);
    expect(unit).toEqual(await kind.nextUnit({ ...context }));
    expect(unit).not.toEqual(await kind.nextUnit({ ...context, seq: 8 }));
    expect(v.is(hashInputSchema, unit?.input)).toBe(true);
    expect((await kind.nextUnit({ ...context, seq: 2 ** 40 + 5 }))?.input.time).toBe(5);
  });

  it('marks units as exhaustive where it was told to', async () => {
    expect((await hashKindNode({ exhaustive: true }).nextUnit(context))?.spec.exhaustive).toBe(true);
    expect((await hashKindNode().nextUnit(context))?.spec).not.toHaveProperty('exhaustive');
  });

  it('fits units to the rate, or to the size it was given', async () => {
    expect((await hashKindNode().nextUnit(context))?.input.nonceCount).toBe(2 ** 17);
    expect((await hashKindNode().nextUnit({ ...context, hashRate: 1e12 }))?.input.nonceCount).toBe(2 ** 32);
    expect((await hashKindNode({ size }).nextUnit({ ...context, hashRate: 1e12 }))?.input.nonceCount).toBe(
      4096,
    );
  });

  it('refuses sizes that overflow a result or bring nothing', () => {
    expect(() => hashKindNode({ size: { bits: 0x207fffff, nonceCount: 2 ** 20 } })).toThrow(
      /shares expected/,
    );
    expect(() => hashKindNode({ size: { bits: 0x1d00ffff, nonceCount: 2 ** 20 } })).toThrow(
      /shares expected/,
    );
    expect(() => hashKindNode({ size: { bits: size.bits, nonceCount: 4096.5 } })).toThrow(RangeError);
  });

  it('leaves the slowest useful tab its time', async () => {
    const kind = hashKindNode();
    const unit = await kind.nextUnit(context);
    if (unit === null) throw new Error('no unit');
    expect(kind.deadlineMs(unit)).toBe(60_000 + 13_108);
    expect(kind.deadlineMs({ ...unit, input: { ...unit.input, nonceCount: 2 ** 32 } })).toBe(15 * 60_000);
  });
});
