import { describe, expect, it, vi } from 'vitest';
import { MAX_UNDER_WAY } from '../../protocol/limits.ts';
import {
  openReceipt,
  receiptHash,
  signReceipt,
  type Receipt,
  type SignedReceipt,
} from '../../protocol/receipt.ts';
import { TRUST_POLICY } from '../config.ts';
import { nativeSha256, receiptsRoot, settlementDigest, weightsDigest } from '../ledger/digests.ts';
import { policyBytes, readPolicy } from '../ledger/policy.ts';
import { accountOf, peerOf, VALIDATOR_SEED } from '../testing/ledger.ts';
import { resign } from '../testing/forging.ts';
import { differenceIn, freshLedger } from '../testing/tampering.ts';
import type { WorkingLedger } from '../testing/working-ledger.ts';
import { LATENCY_ONE } from '../trust/latency.ts';

// What a dishonest validator would sign: the rows agree with the headers, and are wrong all the same.

function receiptIn(signed: SignedReceipt): Receipt {
  const opened = openReceipt(signed);
  if (!opened.ok) throw new Error(opened.message);
  return opened.value;
}

/** Puts another receipt in the place of the last one, and signs the epoch's header anew. */
async function exchangeReceipt(
  it: WorkingLedger,
  signed: SignedReceipt,
  change: Partial<Receipt>,
): Promise<void> {
  const { db } = it.store;
  const receipt = receiptIn(signed);
  const forged = signReceipt({ ...receipt, ...change }, VALIDATOR_SEED);
  const hash = receiptHash(forged);
  await db
    .updateTable('receipts')
    .set({ ...forged, hash })
    .where('task_id', '=', receipt.taskId)
    .execute();
  const rows = await db
    .selectFrom('receipts')
    .select('hash')
    .where('epoch', '=', receipt.epoch)
    .orderBy('hash')
    .execute();
  await resign(it, receipt.epoch, { receipts: receiptsRoot(rows.map((row) => row.hash)) });
}

describe('a ledger whose validator signed', () => {
  it('an audit rate that is lower than escrow demands is found out; one that is higher is not', async () => {
    const it = await freshLedger();
    for (let i = 0; i < 30; i++) await it.accept(1, 10n);
    await it.accept(1, 10n, 'hash', false);
    await it.closeEpoch();
    expect(await differenceIn(it)).toBe('');
    // What the escrow of thirty units demands, for a unit of three times their work.
    const lower = await it.trust.rate(it.store.db, await it.doerOf(1), 10n);
    const rate = vi.spyOn(it.trust, 'rate').mockResolvedValue(lower);
    await it.accept(1, 30n, 'hash', false);
    rate.mockRestore();
    expect(await differenceIn(it)).toMatch(/audit rate is lower than its work and the escrow/);
  });

  it('as low a rate as before for a peer that lost its escrow is found out', async () => {
    const it = await freshLedger();
    for (let i = 0; i < 30; i++) await it.accept(1, 10n);
    const before = await it.trust.rate(it.store.db, await it.doerOf(1), 10n);
    await it.punish(1);
    await it.closeEpoch(TRUST_POLICY.punishedEpochs + 2);
    for (let i = 0; i < MAX_UNDER_WAY; i++) await it.accept(1, 10n);
    expect(await differenceIn(it)).toBe('');
    const rate = vi.spyOn(it.trust, 'rate').mockResolvedValue(before);
    await it.accept(1, 10n, 'hash', false);
    rate.mockRestore();
    expect(await differenceIn(it)).toMatch(/audit rate is lower/);
  });

  it('a score that was lowered is found out, and the factor that would explain it', async () => {
    const it = await freshLedger();
    for (const tab of [1, 2]) await it.accept(tab, 10n);
    await it.closeEpoch();
    const rows = await it.store.db.selectFrom('weights').selectAll().execute();
    expect(rows).toMatchObject([{ latency: LATENCY_ONE }, { latency: LATENCY_ONE }]);
    for (const [lowered, found] of [
      [{ weight: '1' }, /does not follow from its receipts, quality and latency/],
      [{ latency: LATENCY_ONE / 2 }, /does not follow from its receipts, quality and latency/],
      [{ quality: 2_000_000 }, /a factor that is none/],
      [{ last_index: 9 }, /has done 1 units of hash, its score says 9/],
    ] as const) {
      const forged = rows.map((row, i) => (i === 0 ? { ...row, ...lowered } : row));
      for (const row of forged)
        await it.store.db.updateTable('weights').set(row).where('peer', '=', row.peer).execute();
      const scores = forged.map(({ weight, last_index, ...row }) => ({
        ...row,
        weight: BigInt(weight),
        lastIndex: last_index,
      }));
      await resign(it, 0, { weightsDigest: weightsDigest(scores) });
      expect(await differenceIn(it)).toMatch(found);
    }
  });

  it('no score at all for work that was done is found out', async () => {
    const it = await freshLedger();
    await it.accept(1, 10n);
    await it.closeEpoch();
    await it.store.db.deleteFrom('weights').execute();
    await resign(it, 0, { weightsDigest: weightsDigest([]) });
    expect(await differenceIn(it)).toMatch(/1 peers did work, 0 are scored/);
  });

  it('in the place of one with a seat is found out', async () => {
    const it = await freshLedger();
    await it.closeEpoch();
    await resign(it, 0, { validator: await peerOf(50) }, new Uint8Array(32).fill(50));
    expect(await differenceIn(it)).toMatch(/its header is by .*, who has no seat/);
  });

  it('a policy of another owner is found out', async () => {
    const it = await freshLedger();
    await it.closeEpoch();
    const { payload } = await it.store.db.selectFrom('policies').select('payload').executeTakeFirstOrThrow();
    const read = readPolicy(payload);
    if (!read.ok) throw new Error(read.message);
    const forged = policyBytes({ ...read.value, owner: accountOf(50) });
    await it.store.db
      .updateTable('policies')
      .set({ payload: forged, digest: nativeSha256(forged) })
      .execute();
    await resign(it, 0, { policyDigest: nativeSha256(forged) });
    expect(await differenceIn(it)).toMatch(/the policy is that of another owner/);
  });

  it('work of another sum is found out', async () => {
    const it = await freshLedger();
    await it.accept(2, 10n);
    const signed = await it.accept(1, 10n);
    await it.closeEpoch();
    await exchangeReceipt(it, signed, { work: 11n });
    expect(await differenceIn(it)).toMatch(/the score of .* does not follow from its receipts/);
  });

  it('two receipts for one task is found out', async () => {
    const it = await freshLedger();
    const { taskId } = receiptIn(await it.accept(2, 10n));
    const signed = await it.accept(1, 10n);
    await it.closeEpoch();
    await exchangeReceipt(it, signed, { taskId });
    expect(await differenceIn(it)).toMatch(/the task has a receipt already/);
  });

  it('a receipt of another epoch or subnet is found out', async () => {
    const it = await freshLedger();
    const signed = await it.accept(1, 10n);
    await it.closeEpoch();
    const row = receiptIn(signed);
    for (const [change, found] of [
      [{ subnet: new Uint8Array(32) }, /it is of another subnet/],
      [{ epoch: 3 }, /it is of epoch 3/],
      [{ validator: await peerOf(50) }, /not signed by the validator it names/],
    ] as const) {
      const forged = signReceipt({ ...row, ...change }, VALIDATOR_SEED);
      await it.store.db
        .updateTable('receipts')
        .set({ ...forged, hash: receiptHash(forged) })
        .execute();
      expect(await differenceIn(it)).toMatch(found);
    }
  });

  it('a coin that was tossed with the key of an older epoch is found out, unless the unit was audited', async () => {
    const it = await freshLedger();
    const { commitment } = it.ledger.current;
    await it.ledger.closeEpoch();
    await it.ledger.closeEpoch();
    // With something in escrow a coin may fall against an audit.
    for (let i = 0; i < 30; i++) await it.accept(1, 10n, 'hash', true);
    const signed = await it.accept(1, 10n, 'hash', false);
    await it.ledger.closeEpoch();
    expect(await differenceIn(it)).toBe('');
    const { audit } = receiptIn(signed);
    await exchangeReceipt(it, signed, { audit: { ...audit, commitment } });
    expect(await differenceIn(it)).toMatch(/its coin was tossed with the key of an older epoch/);
  });

  it('a coin that fell the other way, or with a key that it never committed to, is found out', async () => {
    const it = await freshLedger();
    const signed = await it.accept(1, 10n);
    await it.closeEpoch();
    const { audit } = receiptIn(signed);
    await exchangeReceipt(it, signed, { audit: { ...audit, commitment: new Uint8Array(32) } });
    expect(await differenceIn(it)).toMatch(/with a key that .* never committed to/);
    await exchangeReceipt(it, signed, {
      audit: { ...audit, drawn: !audit.drawn, threshold: new Uint8Array(32).fill(255) },
    });
    expect(await differenceIn(it)).not.toMatch(/the audit coin/);
    await it.store.db
      .updateTable('audit_keys')
      .set({ audit_key: it.ledger.auditKey(0), published_epoch: 1 })
      .where('epoch', '=', 0)
      .execute();
    expect(await differenceIn(it)).toMatch(/the audit coin fell the other way/);
  });

  it('lots that wait for an audit for ever is found out; to let them wait a while is not', async () => {
    const it = await freshLedger();
    const { taskId } = receiptIn(await it.accept(1, 10n));
    const names = { task_id: taskId, validator: it.base.validator, peer: await peerOf(1), kind: 'hash' };
    const never = { hash_rate: 1, issued_at_ms: 0, deadline_at_ms: 0, epoch: 0, seq: 0 };
    await it.store.db
      .insertInto('tasks')
      .values({ ...names, ...never, state: 'accepted', recheck: 1 })
      .execute();
    const overdue = 2 * TRUST_POLICY.vestingEpochs;
    await it.closeEpoch(overdue);
    const lots = it.store.db.selectFrom('lots').select('ended_epoch');
    expect(await lots.execute()).toEqual([{ ended_epoch: null }]);
    await it.closeEpoch();
    expect(await lots.execute()).toEqual([{ ended_epoch: overdue }]);
    expect(await differenceIn(it)).toBe('');
    await it.store.db.updateTable('lots').set({ ended_epoch: null, ended_as: null }).execute();
    await resign(it, overdue, { settlementDigest: settlementDigest([]) });
    expect(await differenceIn(it)).toMatch(/was due and is not released/);
  });
});
