import { afterEach, describe, expect, it, vi } from 'vitest';
import { openEpoch, signEpoch, type EpochHeader } from '../../protocol/epoch.ts';
import { asWork } from '../../protocol/ids.ts';
import { MAX_UNDER_WAY } from '../../protocol/limits.ts';
import { openReceipt, signReceipt, type Receipt, type SignedReceipt } from '../../protocol/receipt.ts';
import type { Tx } from '../store/store.ts';
import {
  accountOf,
  MECHANISMS,
  openTestLedger,
  OWNER,
  peerOf,
  SUBNET,
  VALIDATOR_ACCOUNT,
  VALIDATOR_SEED,
  type TestLedger,
} from '../testing/ledger.ts';
import { singleValidatorConsensus } from '../consensus/consensus.ts';
import { TRUST_POLICY } from '../config.ts';
import { drawAudit } from '../trust/audit-coin.ts';
import { LATENCY_ONE } from '../trust/latency.ts';
import { Trust } from '../trust/trust.ts';
import type { OpenEpoch } from './epoch-rows.ts';
import { settlementDigest, weightsDigest } from './digests.ts';
import { replayLedger } from './replay.ts';
import { FORFEIT_ACCOUNT } from './settle.ts';

let open: TestLedger[] = [];
const fresh = async (path?: string): Promise<TestLedger> => {
  const made = await openTestLedger(path);
  open.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(open.map((ledger) => ledger.close()));
  open = [];
});

function readReceiptOf(signed: SignedReceipt): Receipt {
  const opened = openReceipt(signed);
  if (!opened.ok) throw new Error(opened.message);
  return opened.value;
}

let counter = 0;
/** A unit at the rate that is due; where `drawn` is given, of a digest that makes the coin fall so. */
async function accept(
  it: TestLedger,
  account: number,
  work: bigint,
  kind: 'hash' | 'infer' = 'hash',
  drawn?: boolean,
  at: Pick<OpenEpoch, 'key' | 'commitment'> = it.ledger.current,
) {
  const { store, ledger } = it;
  const taskId = taskOf(++counter);
  const doer = await doerOf(it, account, kind);
  const { threshold, ppm } = await trust.rate(store.db, doer, work);
  const digest = new Uint8Array(32);
  const toss = (): boolean => drawAudit(at.key, taskId, digest, threshold);
  const asWanted = (): boolean => drawn === undefined || toss() === drawn;
  for (let n = 1; !asWanted(); n++) {
    if (n > 255) throw new Error('the coin falls one way only');
    digest[0] = n;
  }
  const audited = toss();
  return await store.write(async (tx) => {
    await addPeer(tx, account);
    const unit = {
      taskId,
      work,
      audited,
      auditPpm: ppm,
      body: new Uint8Array(8),
      tookMs: 1,
      deadlineMs: 100,
    };
    const kindIndex = await trust.accepted(tx, doer, unit);
    const audit = { threshold, commitment: at.commitment, drawn: audited };
    return await ledger.accept(tx, { ...doer, taskId, work: asWork(work), digest, kindIndex, audit });
  });
}

function taskOf(n: number): Uint8Array {
  const taskId = new Uint8Array(32);
  new DataView(taskId.buffer).setUint32(0, n);
  return taskId;
}

async function addPeer(tx: Tx, account: number): Promise<void> {
  const now = Date.now();
  await tx
    .insertInto('peers')
    .values({
      peer: await peerOf(account),
      account: accountOf(account),
      registered_at_ms: now,
      last_seen_at_ms: now,
    })
    .onConflict((oc) => oc.doNothing())
    .execute();
}

const doerOf = async ({ ledger }: TestLedger, account: number, kind: 'hash' | 'infer' = 'hash') => ({
  peer: await peerOf(account),
  account: accountOf(account),
  kind,
  epoch: ledger.current.epoch,
});

/** A proven failure of a peer, in the open epoch. */
async function punish(it: TestLedger, account: number, kind: 'hash' | 'infer' = 'hash') {
  const { store } = it;
  const doer = await doerOf(it, account, kind);
  const { epoch } = doer;
  const task_id = taskOf(++counter);
  await store.write(async (tx) => {
    await addPeer(tx, account);
    const row = {
      peer: doer.peer,
      epoch,
      seq: counter,
      kind,
      hash_rate: 1,
      issued_at_ms: 0,
      deadline_at_ms: 0,
    };
    await tx
      .insertInto('tasks')
      .values({ ...row, task_id, state: 'rejected', code: 'DIGEST_MISMATCH' })
      .execute();
    await trust.failed(tx, doer, task_id, 'DIGEST_MISMATCH', 'proof');
  });
}

const trust = new Trust({ ...TRUST_POLICY, auditFloorPpm: 10_000 });

async function close({ ledger }: TestLedger, epochs = 1): Promise<void> {
  for (let i = 0; i < epochs; i++) {
    await ledger.recordSlot();
    await ledger.closeEpoch();
  }
}

const settledOf = async ({ ledger }: TestLedger, account: number): Promise<bigint> => {
  const { spendable, held } = await ledger.funds(accountOf(account));
  return spendable + held;
};

const replay = ({ store, validator }: TestLedger) =>
  replayLedger(store, {
    subnet: SUBNET,
    validator,
    owner: OWNER,
    validatorAccount: VALIDATOR_ACCOUNT,
    mechanisms: MECHANISMS,
    consensus: singleValidatorConsensus,
    policy: { ...TRUST_POLICY, auditFloorPpm: 10_000 },
  });

describe('ledger', () => {
  it('is opened so that a commit is on disk: WAL, synchronous FULL', async () => {
    const { store } = await fresh();
    expect(store.durability).toEqual({ journalMode: 'wal', synchronous: 2 });
  });

  it('turns receipts into balances when an epoch closes', async () => {
    const it = await fresh();
    const receipt = await accept(it, 1, 300n);
    await accept(it, 2, 100n);
    expect(openReceipt(receipt)).toMatchObject({ ok: true, value: { epoch: 0, work: 300n, kind: 'hash' } });
    expect(await it.ledger.pending(accountOf(1))).toEqual([{ kind: 'hash', units: 1, work: 300n }]);
    await it.ledger.recordSlot();
    await it.ledger.recordSlot();
    const closed = await it.ledger.closeEpoch();
    expect(closed).toMatchObject({ epoch: 0, receipts: 2, issued: 200_000_000n });
    expect((await settledOf(it, 1)) / (await settledOf(it, 2))).toBe(3n);
    expect(await it.ledger.pending(accountOf(1))).toEqual([]);
    expect(it.ledger.current.epoch).toBe(1);
    expect(await replay(it)).toMatchObject({
      ok: true,
      value: { epochs: 1, receipts: 2, issued: 200_000_000n },
    });
  });

  it('pays a task once', async () => {
    const it = await fresh();
    await accept(it, 1, 5n);
    counter -= 1;
    await expect(accept(it, 1, 5n)).rejects.toThrow(/UNIQUE/);
    expect(await it.ledger.pending(accountOf(1))).toEqual([{ kind: 'hash', units: 1, work: 5n }]);
  });

  it('continues where it was after a restart, with the same open epoch and beacon', async () => {
    const first = await fresh();
    await accept(first, 1, 5n);
    await first.ledger.recordSlot();
    await first.ledger.closeEpoch();
    await first.ledger.recordSlot();
    const before = first.ledger.current;
    await first.store.close();
    const second = await openTestLedger(first.path);
    expect(second.ledger.current).toEqual(before);
    expect(await settledOf(second, 1)).toBeGreaterThan(0n);
    expect(await replay(second)).toMatchObject({ ok: true });
    open = [second];
  });

  it('chains signed headers', async () => {
    const it = await fresh();
    await it.ledger.closeEpoch();
    await accept(it, 1, 5n, 'infer');
    await it.ledger.recordSlot();
    await it.ledger.closeEpoch();
    const headers = (await it.ledger.epochs(0, 10)).map((signed) => openEpoch(signed));
    expect(headers).toMatchObject([
      { ok: true, value: { epoch: 0, issued: 0n, receiptCount: 0 } },
      { ok: true, value: { epoch: 1, issued: 600_000_000n, totalIssued: 600_000_000n, receiptCount: 1 } },
    ]);
  });

  it("pages through an account's receipts", async () => {
    const it = await fresh();
    for (let i = 0; i < 5; i++) await accept(it, 1, 1n);
    await accept(it, 2, 1n);
    const first = await it.ledger.receipts(accountOf(1), 0, 3);
    expect([first.receipts.length, first.more]).toEqual([3, true]);
    const second = await it.ledger.receipts(accountOf(1), first.next, 3);
    expect([second.receipts.length, second.more]).toEqual([2, false]);
  });
});

describe('escrow', () => {
  const { vestingEpochs, vestingTasks, punishedEpochs } = TRUST_POLICY;

  it('holds what an epoch paid until it is old enough', async () => {
    const it = await fresh();
    await accept(it, 1, 300n);
    await close(it);
    const paid = await it.ledger.funds(accountOf(1));
    expect(paid).toMatchObject({ spendable: 0n, forfeited: 0n });
    expect(paid.held).toBeGreaterThan(0n);
    await close(it, vestingEpochs - 1);
    expect(await it.ledger.funds(accountOf(1))).toEqual(paid);
    await close(it);
    expect(await it.ledger.funds(accountOf(1))).toEqual({ spendable: paid.held, held: 0n, forfeited: 0n });
    expect(await replay(it)).toMatchObject({ ok: true, value: { held: 0n } });
  });

  it('holds it no longer than for so many further units of the same kind', async () => {
    const it = await fresh();
    await accept(it, 1, 300n);
    await close(it);
    const { held } = await it.ledger.funds(accountOf(1));
    // Units of another kind release nothing.
    for (let i = 0; i < vestingTasks; i++) await accept(it, 1, 1n, 'infer');
    await close(it);
    expect((await it.ledger.funds(accountOf(1))).spendable).toBe(0n);
    for (let i = 0; i < vestingTasks - 1; i++) await accept(it, 1, 1n);
    await close(it);
    expect((await it.ledger.funds(accountOf(1))).spendable).toBe(0n);
    await accept(it, 1, 1n);
    await close(it);
    expect((await it.ledger.funds(accountOf(1))).spendable).toBe(held);
    expect(await replay(it)).toMatchObject({ ok: true });
  }, 30_000);

  it('burns it when a failure is proven, with all that was not paid yet, and nobody else loses', async () => {
    const it = await fresh();
    for (const account of [1, 2]) await accept(it, account, 100n);
    await close(it);
    const before = await it.ledger.funds(accountOf(1));
    await accept(it, 1, 100n);
    await accept(it, 2, 100n);
    await punish(it, 1);
    expect(await it.ledger.funds(accountOf(1))).toEqual({ spendable: 0n, held: 0n, forfeited: before.held });
    await close(it);
    expect(await it.ledger.funds(accountOf(1))).toEqual({ spendable: 0n, held: 0n, forfeited: before.held });
    // All that the second epoch paid for work went to the one that did it honestly.
    const rest = (await it.ledger.funds(accountOf(2))).held - 3n * before.held;
    expect(rest === 0n || rest === 1n).toBe(true); // halves round down
    const burnt = await it.store.db
      .selectFrom('balances')
      .select('amount')
      .where('account', '=', FORFEIT_ACCOUNT)
      .executeTakeFirstOrThrow();
    expect(BigInt(burnt.amount)).toBe(before.held);
    expect(await replay(it)).toMatchObject({ ok: true, value: { penalties: 1 } });
  });

  it('pays a punished peer nothing for so many epochs, then again', async () => {
    const it = await fresh();
    await accept(it, 1, 100n);
    await punish(it, 1);
    for (let i = 0; i <= punishedEpochs; i++) {
      await accept(it, 1, 100n);
      await close(it);
      expect(await settledOf(it, 1)).toBe(0n);
    }
    await accept(it, 1, 100n);
    await close(it);
    expect(await settledOf(it, 1)).toBeGreaterThan(0n);
    expect(await replay(it)).toMatchObject({ ok: true });
  });

  it('does not let a validator choose among the keys of older epochs', async () => {
    const it = await fresh();
    const old = it.ledger.current;
    await close(it);
    for (let i = 0; i < 4; i++) await accept(it, 1, 10n);
    // The epoch may close between a coin and its receipt.
    await accept(it, 1, 10n, 'hash', false, old);
    await close(it);
    // An audit may take longer than an epoch.
    await accept(it, 1, 10n, 'hash', true, old);
    await close(it, vestingEpochs + 2);
    expect(await replay(it)).toMatchObject({ ok: true, value: { coins: 6 } });
    for (let i = 0; i < 4; i++) await accept(it, 1, 10n);
    await accept(it, 1, 10n, 'hash', false, old);
    await close(it, vestingEpochs + 1);
    expect(await replay(it)).toMatchObject({ ok: false, message: /key of an older epoch/ });
  }, 20_000);

  it('leaves the event loop its turns while it releases thousands', async () => {
    const it = await fresh();
    await close(it, vestingEpochs);
    const held = { epoch: 0, mechanism: 'hash', account: accountOf(1), amount: '0' };
    const lots = Array.from({ length: 2_000 }, (_, i) => ({ ...held, peer: `p${i}`, last_index: 1_000 }));
    await it.store.write(async (tx) => {
      for (const lot of lots) await tx.insertInto('lots').values(lot).execute();
    });
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    await it.ledger.closeEpoch();
    counting = false;
    expect(turns).toBeGreaterThan(5);
  });

  it('publishes the audit key when everything of its epoch has vested, and its coins can be tossed again', async () => {
    const it = await fresh();
    for (let i = 0; i < 4; i++) await accept(it, 1, 10n);
    for (const drawn of [true, false, true]) await accept(it, 1, 10n, 'hash', drawn);
    await close(it, vestingEpochs + 1);
    const [header] = (await it.ledger.epochs(vestingEpochs, 1)).map((signed) => openEpoch(signed));
    expect(header).toMatchObject({ ok: true, value: { auditReveal: { epoch: 0 } } });
    expect(await replay(it)).toMatchObject({ ok: true, value: { coins: 7 } });
  });
});

describe('replay', () => {
  const tampering: [string, (it: TestLedger) => Promise<unknown>, RegExp][] = [
    [
      'a raised balance',
      (it) =>
        it.store.db.updateTable('balances').set({ amount: '999' }).where('account', '=', OWNER).execute(),
      /balance of/,
    ],
    [
      'a receipt by a stranger',
      async (it) => {
        const { receipts } = await it.ledger.receipts(accountOf(1), 0, 1);
        const opened = receipts[0] === undefined ? null : openReceipt(receipts[0]);
        if (opened?.ok !== true) throw new Error('expected a receipt');
        const forged = signReceipt(
          { ...opened.value, validator: await peerOf(50) },
          new Uint8Array(32).fill(50),
        );
        await it.store.db.updateTable('receipts').set(forged).execute();
      },
      /does not say what this validator signed/,
    ],
    [
      'another beacon',
      (it) =>
        it.store.db
          .updateTable('epochs')
          .set({ beacon: new Uint8Array(32) })
          .where('epoch', '=', 0)
          .execute(),
      /beacon or audit commitment/,
    ],
    [
      'a receipt that is gone',
      (it) => it.store.db.deleteFrom('receipts').where('kind', '=', 'hash').execute(),
      /epoch 0: 0 receipts/,
    ],
    [
      'a receipt with more work',
      (it) => it.store.db.updateTable('receipts').set({ work: '77' }).execute(),
      /does not say what this validator signed/,
    ],
    [
      "a settlement in another's favour",
      (it) =>
        it.store.db
          .updateTable('settlements')
          .set({ amount: '1' })
          .where('account', '=', accountOf(1))
          .execute(),
      /settlement differs/,
    ],
    [
      'a score in favour of a friend',
      (it) => it.store.db.updateTable('weights').set({ weight: '1' }).execute(),
      /scores differ from the header/,
    ],
    [
      'a lot that was made larger',
      (it) => it.store.db.updateTable('lots').set({ amount: '999' }).execute(),
      /lot of .* differs/,
    ],
    [
      'a lot released before it is due',
      (it) => it.store.db.updateTable('lots').set({ ended_epoch: 0, ended_as: 'release' }).execute(),
      /a lot ends that was never held/,
    ],
    [
      'a penalty that is gone',
      (it) => it.store.db.deleteFrom('penalties').execute(),
      /proven failures differ/,
    ],
    [
      'a forged signature',
      (it) =>
        it.store.db
          .updateTable('receipts')
          .set({ signature: new Uint8Array(64) })
          .execute(),
      /not signed/,
    ],
  ];

  for (const [what, tamper, difference] of tampering) {
    it(`finds ${what}`, async () => {
      const it = await fresh();
      await accept(it, 1, 10n);
      if (what.includes('penalty')) {
        await close(it);
        await punish(it, 1);
      }
      await close(it);
      expect(await replay(it)).toMatchObject({ ok: true });
      await tamper(it);
      const found = await replay(it);
      expect(found).toMatchObject({ ok: false, code: 'DIFFERENCE' });
      expect(found.ok ? '' : found.message).toMatch(difference);
    });
  }

  /** Signs the header of a closed epoch anew: what a dishonest validator would have signed. */
  async function resign({ store, ledger }: TestLedger, epoch: number, change: Partial<EpochHeader>) {
    const [signed] = await ledger.epochs(epoch, 1);
    const header = signed === undefined ? null : openEpoch(signed);
    if (header?.ok !== true) throw new Error('expected a header');
    const forged = signEpoch({ ...header.value, ...change }, VALIDATOR_SEED);
    await store.db.updateTable('epochs').set(forged).where('epoch', '=', epoch).execute();
  }

  it('finds an audit rate that is lower than escrow demands, and takes one that is higher', async () => {
    const it = await fresh();
    for (let i = 0; i < 30; i++) await accept(it, 1, 10n);
    await accept(it, 1, 10n, 'hash', false);
    expect(await replay(it)).toMatchObject({ ok: true });
    // What the escrow of thirty units demands, for a unit of three times their work.
    const lower = await trust.rate(it.store.db, await doerOf(it, 1), 10n);
    const rate = vi.spyOn(trust, 'rate').mockResolvedValue(lower);
    await accept(it, 1, 30n, 'hash', false);
    rate.mockRestore();
    const found = await replay(it);
    expect(found.ok ? '' : found.message).toMatch(/audit rate is lower than its work and the escrow/);
  });

  it('demands as much again of a peer that lost its escrow', async () => {
    const it = await fresh();
    for (let i = 0; i < 30; i++) await accept(it, 1, 10n);
    const before = await trust.rate(it.store.db, await doerOf(it, 1), 10n);
    await punish(it, 1);
    await close(it, TRUST_POLICY.punishedEpochs + 2);
    for (let i = 0; i < MAX_UNDER_WAY; i++) await accept(it, 1, 10n);
    expect(await replay(it)).toMatchObject({ ok: true });
    const rate = vi.spyOn(trust, 'rate').mockResolvedValue(before);
    await accept(it, 1, 10n, 'hash', false);
    rate.mockRestore();
    const found = await replay(it);
    expect(found.ok ? '' : found.message).toMatch(/audit rate is lower/);
  });

  it('finds a penalty that was invented', async () => {
    const it = await fresh();
    await accept(it, 1, 10n);
    await close(it);
    await punish(it, 1);
    await it.store.db.updateTable('tasks').set({ state: 'expired' }).execute();
    await close(it);
    const found = await replay(it);
    expect(found.ok ? '' : found.message).toMatch(/is punished for .*, which no audit refused/);
  });

  it('finds a score that was lowered, and the factor that would explain it', async () => {
    const it = await fresh();
    for (const account of [1, 2]) await accept(it, account, 10n);
    await close(it);
    const scores = (await it.store.db.selectFrom('weights').selectAll().execute()).map(
      ({ weight, ...row }) => ({ ...row, weight: BigInt(weight) }),
    );
    expect(scores).toMatchObject([{ latency: LATENCY_ONE }, { latency: LATENCY_ONE }]);
    for (const lowered of [{ weight: 1n }, { latency: LATENCY_ONE / 2 }]) {
      const [first, ...others] = scores;
      if (first === undefined) throw new Error('expected scores');
      const { weight, ...row } = { ...first, ...lowered };
      await it.store.db
        .updateTable('weights')
        .set({ ...row, weight: weight.toString() })
        .where('peer', '=', row.peer)
        .execute();
      await resign(it, 0, { weightsDigest: weightsDigest([{ ...row, weight }, ...others]) });
      const found = await replay(it);
      expect(found.ok ? '' : found.message).toMatch(/does not follow from its receipts, quality and latency/);
    }
  });

  it('lets a lot wait for an audit, not for ever, and finds one that was never released', async () => {
    const it = await fresh();
    const { taskId } = readReceiptOf(await accept(it, 1, 10n));
    const row = { peer: await peerOf(1), epoch: 0, seq: 0, kind: 'hash', hash_rate: 1 };
    await it.store.db
      .insertInto('tasks')
      .values({ ...row, task_id: taskId, state: 'accepted', recheck: 1, issued_at_ms: 0, deadline_at_ms: 0 })
      .execute();
    await close(it, 2 * TRUST_POLICY.vestingEpochs);
    expect(await it.ledger.funds(accountOf(1))).toMatchObject({ spendable: 0n });
    await close(it);
    expect(await it.ledger.funds(accountOf(1))).toMatchObject({ held: 0n });
    expect(await replay(it)).toMatchObject({ ok: true });
    const at = 2 * TRUST_POLICY.vestingEpochs;
    await it.store.db.updateTable('lots').set({ ended_epoch: null, ended_as: null }).execute();
    await it.store.db.deleteFrom('settlements').where('role', '=', 'release').execute();
    await resign(it, at, { settlementDigest: settlementDigest([]) });
    const found = await replay(it);
    expect(found.ok ? '' : found.message).toMatch(/was due and is not released/);
  });
});
