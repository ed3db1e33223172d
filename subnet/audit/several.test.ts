import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { epochHash, openEpoch, signHeader, type SignedEpoch } from '../../protocol/epoch.ts';
import { encodeCbor } from '../../protocol/cbor.ts';
import { OWNER, SUBNET } from '../testing/ledger.ts';
import { exported } from '../testing/eventful-ledger.ts';
import { SeveralValidators } from '../testing/several-validators.ts';
import { auditLedger, type AuditReport } from './audit-ledger.ts';
import { auditStore } from './audit-store.ts';
import type { AuditedBlock } from './auditor.ts';

const POLICY = { vestingTasks: 6, vestingEpochs: 2, punishedEpochs: 1 };

/** Each takes a tenth of a second; export.test.ts has more of them. */
const FLIPS = 40;

let all: SeveralValidators;
let bytes: Uint8Array;
beforeAll(async () => {
  all = await SeveralValidators.open([3n, 2n, 2n], { policy: POLICY });
  for (let epoch = 0; epoch < 6; epoch++) {
    for (const [i, { work }] of all.peers.entries()) {
      await work.accept(1 + (epoch % 2), 10n + BigInt(i));
      await work.accept(3, 40n, 'infer');
    }
    if (epoch === 3) await all.peers[0]?.work.punish(2);
    await all.until(epoch);
  }
  await all.peers[0]?.work.accept(1, 5n);
  bytes = await exported(all.store);
}, 60_000);
afterAll(() => all.close());

const audit = async (
  changed: Uint8Array = bytes,
): Promise<{ report: AuditReport; blocks: AuditedBlock[] }> => {
  const blocks: AuditedBlock[] = [];
  const found = await auditLedger([changed], { owner: OWNER, subnet: SUBNET }, async (block) => {
    blocks.push(block);
  });
  if (!found.ok) throw new Error(found.message);
  return { report: found.value.report, blocks };
};

const difference = async (): Promise<string> => {
  const found = await auditStore(all.store, { owner: OWNER });
  return found.ok ? '' : found.message;
};

describe('an audit of several validators', () => {
  it('recomputes votes, shares and beacons, and pays two epochs later', async () => {
    const { report, blocks } = await audit();
    expect(report).toMatchObject({ epochs: 6, receipts: 37, openReceipts: 1, penalties: 1 });
    expect(report.coins).toBeGreaterThan(0);
    expect(blocks.map(({ block }) => block.settledThrough)).toEqual([-1, -1, 0, 1, 2, 3]);
    expect(blocks.map(({ header }) => header.issued > 0n)).toEqual([false, false, true, true, true, true]);
    expect(blocks[4]?.block.fates.map(({ standing }) => standing)).toEqual(['counted', 'counted', 'counted']);
  });

  it('holds what the database keeps against it', async () => {
    expect(await auditStore(all.store, { owner: OWNER })).toMatchObject({ ok: true });
  });

  it('finds any bit of it that flips', async () => {
    for (let i = 0; i < FLIPS; i++) {
      const changed = bytes.slice();
      const at = Math.floor(((i + 0.5) * bytes.length) / FLIPS);
      changed[at] = (changed[at] ?? 0) ^ (1 << (i % 8));
      await expect(audit(changed)).rejects.toThrow(/epoch \d|byte \d|owner|subnet/);
    }
  }, 60_000);

  it('is content with more than half of the stake, and with no less', async () => {
    const { db } = all.store;
    const signatures = await db.selectFrom('header_signatures').selectAll().where('epoch', '=', 4).execute();
    const silent = all.peers.find(({ seat }) =>
      signatures.every((each) => each.validator !== seat.validator),
    );
    const [first] = signatures;
    if (silent === undefined || first === undefined) throw new Error('expected two of three to have signed');
    // Rubbish in the name of the third neither helps nor harms.
    const rubbish = { ...first, validator: silent.seat.validator, signature: new Uint8Array(64) };
    await db.insertInto('header_signatures').values(rubbish).execute();
    expect(await difference()).toBe('');
    await db
      .deleteFrom('header_signatures')
      .where('validator', '=', first.validator)
      .where('epoch', '=', 4)
      .execute();
    expect(await difference()).toMatch(/epoch 4: its header is not countersigned/);
    await db.insertInto('header_signatures').values(first).execute();
    expect(await difference()).toBe('');
  });

  it('finds a vote that is gone, though all have signed', async () => {
    const { db } = all.store;
    const reveals = await db.selectFrom('vote_reveals').selectAll().where('epoch', '=', 3).execute();
    await db.deleteFrom('vote_reveals').where('epoch', '=', 3).execute();
    expect(await difference()).toMatch(/epoch 4: what became of the votes differs from the header/);
    await db.insertInto('vote_reveals').values(reveals).execute();
  });

  it('finds a beacon that does not follow from what was revealed, though all have signed it', async () => {
    const { db } = all.store;
    const row = await db.selectFrom('epochs').selectAll().where('epoch', '=', 5).executeTakeFirstOrThrow();
    const opened = openEpoch(row as SignedEpoch);
    if (!opened.ok) throw new Error(opened.message);
    const settler = all.peers.find(({ seat }) => seat.validator === opened.value.validator);
    const payload = encodeCbor({ ...opened.value, beacon: new Uint8Array(32) });
    const sign = (seed: number): Uint8Array => signHeader(payload, new Uint8Array(32).fill(seed));
    const signature = sign(110 + (settler?.index ?? 0));
    await db.updateTable('epochs').set({ payload, signature }).where('epoch', '=', 5).execute();
    for (const { index, seat } of all.peers)
      await db
        .insertInto('header_signatures')
        .values({
          epoch: 5,
          hash: epochHash({ payload }),
          validator: seat.validator,
          signature: sign(110 + index),
        })
        .execute();
    expect(await difference()).toMatch(/epoch 5: its beacon is not the one/);
  });
});
