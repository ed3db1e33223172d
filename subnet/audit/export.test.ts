import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameDecoder } from '../../protocol/frame.ts';
import { Store } from '../store/store.ts';
import { eventfulLedger, exported } from '../testing/eventful-ledger.ts';
import { OWNER, SUBNET } from '../testing/ledger.ts';
import type { WorkingLedger } from '../testing/working-ledger.ts';
import { auditLedger } from './audit-ledger.ts';
import { MAX_FRAME_BYTES } from './frames.ts';
import { readExport } from './read-export.ts';
import { exportLedger } from './write-export.ts';

let ledger: WorkingLedger;
let bytes: Uint8Array;
beforeAll(async () => {
  ledger = await eventfulLedger();
  bytes = await exported(ledger.store);
});
afterAll(() => ledger.close());

/** What an auditor says of these bytes; empty where nothing differs. */
async function differenceIn(chunks: Iterable<Uint8Array>): Promise<string> {
  const audited = await auditLedger(chunks, { subnet: SUBNET, owner: OWNER });
  return audited.ok ? '' : audited.message;
}

function flipped(at: number, by: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (changed[at] ?? 0) ^ by;
  return changed;
}

/** Where each frame begins, its length first. */
function frameStarts(): number[] {
  const decoder = new FrameDecoder(MAX_FRAME_BYTES);
  const starts = [0];
  for (let i = 0; i < bytes.length; i++)
    for (const frame of decoder.push(bytes.subarray(i, i + 1))) if (frame.ok) starts.push(i + 1);
  return starts.slice(0, -1);
}

describe('an export', () => {
  it('holds what an auditor needs to count everything again', async () => {
    const audited = await auditLedger([bytes], { owner: OWNER });
    const stored = await ledger.store.db
      .selectFrom('meta')
      .select('value')
      .where('key', '=', 'issued')
      .executeTakeFirstOrThrow();
    expect(audited).toMatchObject({
      ok: true,
      value: {
        report: { epochs: 6, receipts: 11, openReceipts: 2, coins: 9, penalties: 1, ownerPinned: true },
      },
    });
    expect(audited.ok && audited.value.report.issued.toString()).toBe(stored.value);
  });

  it('is the same bytes each time, in whatever pieces they are read', async () => {
    expect(await exported(ledger.store)).toEqual(bytes);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 8 }), async (cuts) => {
        const ends = [...cuts, bytes.length].sort((a, b) => a - b);
        expect(await differenceIn(ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end)))).toBe('');
      }),
      { numRuns: 5 },
    );
  });

  it('is found changed wherever a bit flips, with a message that says where', async () => {
    const anywhere = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(anywhere, async ([at, by]) => {
        expect(await differenceIn([flipped(at, by)])).toMatch(/epoch \d|byte \d|owner|another subnet/);
      }),
      { numRuns: Number(process.env['FLIPS'] ?? 300) },
    );
  }, 60_000);

  it('is found changed at every boundary between frames', async () => {
    const starts = frameStarts();
    expect(starts.length).toBeGreaterThan(20);
    const around = starts.flatMap((start) => [start - 1, start, start + 1, start + 2]);
    for (const at of around.slice(1))
      expect({ at, found: await differenceIn([flipped(at, 1)]) }).not.toEqual({ at, found: '' });
  }, 60_000);

  it('is refused when it is cut short, goes on, or loses, repeats or exchanges a frame', async () => {
    const starts = [...frameStarts(), bytes.length];
    const frame = (i: number): Uint8Array => bytes.subarray(starts[i], starts[i + 1]);
    const frames = Array.from({ length: starts.length - 1 }, (_, i) => frame(i));
    expect(await differenceIn(frames)).toBe('');
    expect(await differenceIn([bytes, Uint8Array.of(0)])).toMatch(/bytes after the end/);
    expect(await differenceIn([bytes, bytes])).toMatch(/bytes after the end/);
    expect(await differenceIn([])).toMatch(/ends too early/);
    for (let i = 0; i < frames.length; i++) {
      const one = frame(i);
      expect(await differenceIn(frames.slice(0, i))).toMatch(/byte \d+: it ends too early/);
      expect(await differenceIn(frames.toSpliced(i, 1))).not.toBe('');
      expect(await differenceIn(frames.toSpliced(i, 0, one))).not.toBe('');
    }
    for (let i = 1; i < frames.length; i++)
      expect(await differenceIn(frames.toSpliced(i - 1, 2, frame(i), frame(i - 1)))).not.toBe('');
  }, 60_000);

  it('is refused where an epoch would not fit into memory', async () => {
    const read = async (limits: { epochRows: number; epochBytes: number }): Promise<number> => {
      let epochs = 0;
      for await (const section of readExport([bytes], limits)) if (section.is === 'epoch') epochs += 1;
      return epochs;
    };
    expect(await read({ epochRows: 4, epochBytes: 8_000 })).toBe(7);
    await expect(read({ epochRows: 3, epochBytes: 8_000 })).rejects.toThrow(
      /receipts of epoch 1: more than 3/,
    );
    await expect(read({ epochRows: 4, epochBytes: 800 })).rejects.toThrow(/epoch \d is too large/);
  });

  it('is one state of the ledger, though the node goes on meanwhile', async () => {
    const it = await eventfulLedger();
    // As the command has it beside the node.
    const reader = await Store.open(it.base.path);
    const before = await exported(it.store);
    const during: Uint8Array[] = [];
    await reader.snapshot(async (tx) => {
      for await (const chunk of exportLedger(tx)) {
        during.push(chunk);
        if (during.length === 2) await it.closeEpoch();
      }
    });
    expect(new Uint8Array(Buffer.concat(during))).toEqual(before);
    expect(await exported(it.store)).not.toEqual(before);
    await reader.close();
    await it.close();
  });
});
