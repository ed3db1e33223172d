import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WorkFromNode } from '../../protocol/messages.ts';
import { readReceipt } from '../../protocol/receipt.ts';
import { OPEN_TIMEOUT_MS } from '../../protocol/limits.ts';
import { fail } from '../../protocol/outcome.ts';
import { TRUST_POLICY } from '../config.ts';
import type { Audit } from '../kinds/kind.ts';
import { drawLateAudit } from '../trust/audit-coin.ts';
import { LATENCY_ONE } from '../trust/latency.ts';
import { standingOf } from '../trust/standing.ts';
import { SUSPECT_AUDITS } from '../trust/windowed.ts';
import {
  giveEscrow,
  leasesIn,
  openTestDispatch,
  resultFor,
  type TestDispatch,
  testKinds,
} from '../testing/dispatch.ts';
import { accountOf, silent, SUBNET } from '../testing/ledger.ts';
import { Audits } from './audits.ts';
import { evidenceOf } from './evidence.ts';
import { FairQueue } from './fair-queue.ts';
import { noObserver } from './observer.ts';
import { Rechecks } from './rechecks.ts';

type Tab = Awaited<ReturnType<TestDispatch['tab']>>;

let opened: TestDispatch[] = [];
const open = async (options?: Parameters<typeof openTestDispatch>[0]): Promise<TestDispatch> => {
  const made = await openTestDispatch(options);
  opened.push(made);
  return made;
};
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(opened.map((dispatch) => dispatch.close()));
  opened = [];
});

/** Does the tab's next unit; `offset` as in `testKinds`: 0 is right. Gives the verdict. */
async function work({ session, sent }: Tab, offset = 0): Promise<WorkFromNode> {
  const before = leasesIn(sent).length;
  session.ready(1);
  await vi.waitFor(() => expect(leasesIn(sent).length).toBeGreaterThan(Math.max(0, before - 1)));
  const lease = leasesIn(sent).at(-1);
  if (lease === undefined) throw new Error('expected a lease');
  session.ready(0);
  await session.result(resultFor(lease, offset));
  const verdict = sent.findLast(({ type }) => type === 'accepted' || type === 'rejected');
  if (verdict === undefined) throw new Error('expected a verdict');
  session.ready(1);
  await vi.waitFor(() => expect(leasesIn(sent).length).toBeGreaterThan(before === 0 ? 1 : before));
  return verdict;
}

const hashOf = async ({ base, trust }: TestDispatch, { peer, account }: Tab) => {
  const { epoch } = base.ledger.current;
  const standing = await standingOf(base.store.db, trust.policy, { peer, account, epoch });
  const [hash] = standing.kinds;
  if (hash === undefined) throw new Error('expected a kind');
  return { ...standing, ...hash };
};
const isTrusted = async (dispatch: TestDispatch, tab: Tab): Promise<void> =>
  await giveEscrow(dispatch, tab.peer, 10n ** 15n);
const penalties = ({ base }: TestDispatch) => base.store.db.selectFrom('penalties').selectAll().execute();

describe('the audit rate', () => {
  it('falls with what a tab has in escrow, and what it is drawn with stands in the receipt', async () => {
    const dispatch = await open({ auditFloorPpm: 10_000 });
    const tab = await dispatch.tab(1);
    expect((await hashOf(dispatch, tab)).auditPpm).toBe(1_000_000);
    for (let i = 0; i < 5; i++) expect(await work(tab)).toMatchObject({ type: 'accepted' });
    // s = 1000, E = 5000: p = 3 · 1000 / 6000.
    expect(await hashOf(dispatch, tab)).toMatchObject({
      auditPpm: 500_000,
      accepted: 5,
      unvested: 5,
      escrow: 5000n,
      failed: 0,
    });
  });

  it('is certainty after a proven failure, and the escrow is gone', async () => {
    const dispatch = await open({ auditFloorPpm: 10_000 });
    const tab = await dispatch.tab(1);
    for (let i = 0; i < 3; i++) await work(tab);
    expect(await work(tab, 1)).toMatchObject({ type: 'rejected', code: 'DIGEST_MISMATCH' });
    expect(await penalties(dispatch)).toMatchObject([{ peer: tab.peer, code: 'DIGEST_MISMATCH', epoch: 0 }]);
    await work(tab);
    expect(await hashOf(dispatch, tab)).toMatchObject({
      auditPpm: 1_000_000,
      escrow: 0n,
      unvested: 0,
      passed: 1,
      failed: 1,
      punishedUntilEpoch: TRUST_POLICY.punishedEpochs + 1,
    });
  });

  it('survives a restart', async () => {
    const before = await open({ auditFloorPpm: 10_000 });
    const tab = await before.tab(1);
    for (let i = 0; i < 4; i++) await work(tab);
    const standing = await hashOf(before, tab);
    const after = await open({ path: before.base.path, auditFloorPpm: 10_000 });
    expect(await hashOf(after, tab)).toEqual(standing);
  });
});

describe('verdicts on tolerances', () => {
  it('take several failures to prove one, with every unit audited meanwhile', async () => {
    const dispatch = await open({ auditFloorPpm: 10_000 });
    const tab = await dispatch.tab(1);
    for (let i = 0; i < 3; i++) {
      expect(await work(tab, 3)).toMatchObject({ code: 'OUT_OF_TOLERANCE' });
      expect(await penalties(dispatch)).toEqual([]);
      expect(await hashOf(dispatch, tab)).toMatchObject({
        suspect: true,
        auditPpm: 1_000_000,
        failed: i + 1,
      });
    }
    await work(tab, 3);
    expect(await penalties(dispatch)).toMatchObject([{ code: 'OUT_OF_TOLERANCE' }]);
  });

  it('clear a suspect after so many audits in a row', async () => {
    const dispatch = await open({ auditFloorPpm: 10_000 });
    const tab = await dispatch.tab(1);
    await work(tab, 4);
    await isTrusted(dispatch, tab);
    await dispatch.base.store.db.updateTable('standings').set({ suspect_left: SUSPECT_AUDITS }).execute();
    for (let i = 0; i < SUSPECT_AUDITS; i++) {
      expect((await hashOf(dispatch, tab)).suspect).toBe(true);
      await work(tab);
    }
    const cleared = await hashOf(dispatch, tab);
    expect(cleared.suspect).toBe(false);
    expect(cleared.auditPpm).toBeLessThan(100_000);
  });

  it('have what the suspect did before audited after all, and two gross failures among it are proof', async () => {
    const dispatch = await open({ auditFloorPpm: 0 });
    const tab = await dispatch.tab(1);
    await isTrusted(dispatch, tab);
    // Neither is audited: the tab is trusted.
    expect([await work(tab, 0), await work(tab, 4)]).toMatchObject([
      { type: 'accepted' },
      { type: 'accepted' },
    ]);
    await dispatch.base.store.db.updateTable('standings').set({ escrow: '0' }).execute();
    expect(await work(tab, 4)).toMatchObject({ code: 'OUT_OF_TOLERANCE' });
    expect(await penalties(dispatch)).toEqual([]);
    await dispatch.rechecks.drain();
    expect(await penalties(dispatch)).toHaveLength(1);
    const rows = await dispatch.base.store.db
      .selectFrom('tasks')
      .select(['state', 'revoked', 'recheck'])
      .where('state', 'in', ['accepted', 'rejected'])
      .orderBy('seq')
      .execute();
    expect(rows.map(({ state, revoked }) => [state, revoked])).toEqual([
      ['accepted', null],
      ['accepted', 'OUT_OF_TOLERANCE'],
      ['rejected', null],
    ]);
    expect(rows.every(({ recheck }) => recheck === 0)).toBe(true);
  });

  it('are cleared by what is done from then on, not by what was done before', async () => {
    const dispatch = await open({ auditFloorPpm: 0 });
    const tab = await dispatch.tab(1);
    await isTrusted(dispatch, tab);
    for (let i = 0; i < 3; i++) await work(tab);
    await dispatch.base.store.db.updateTable('standings').set({ escrow: '0' }).execute();
    expect(await work(tab, 3)).toMatchObject({ code: 'OUT_OF_TOLERANCE' });
    await dispatch.rechecks.drain();
    const { suspect_left } = await dispatch.base.store.db
      .selectFrom('standings')
      .select('suspect_left')
      .executeTakeFirstOrThrow();
    expect(suspect_left).toBe(SUSPECT_AUDITS);
    expect((await hashOf(dispatch, tab)).passed).toBe(3);
  });

  it('are shown to the accused with their evidence, and to nobody else', async () => {
    const dispatch = await open();
    const [tab, other] = [await dispatch.tab(1), await dispatch.tab(2)];
    await work(tab, 3);
    const { taskId } = leasesIn(tab.sent)[0] ?? { taskId: new Uint8Array() };
    const shown = await evidenceOf(dispatch.base.store, tab.peer, taskId);
    expect(shown).toMatchObject({ type: 'evidence', state: 'rejected', code: 'OUT_OF_TOLERANCE' });
    expect(JSON.parse(shown.type === 'evidence' ? shown.evidence : '')).toEqual({ nonce: 3 });
    expect(await evidenceOf(dispatch.base.store, other.peer, taskId)).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a tab that names one account after the other', () => {
  it('is audited after the verdict for the account that was paid', async () => {
    const dispatch = await open({ auditFloorPpm: 0 });
    const tab = await dispatch.tab(1);
    await isTrusted(dispatch, tab);
    tab.session.ready(1);
    await vi.waitFor(() => expect(tab.session.leased).toBe(1));
    const [lease] = leasesIn(tab.sent);
    if (lease === undefined) throw new Error('expected a lease');
    tab.session.ready(0);
    tab.session.profile.account = accountOf(2);
    await tab.session.result(resultFor(lease, 1));
    const { store } = dispatch.base;
    await store.db.updateTable('tasks').set({ recheck: 1 }).where('state', '=', 'accepted').execute();
    await dispatch.rechecks.drain();
    expect(await penalties(dispatch)).toMatchObject([{ account: accountOf(1) }]);
  });

  it('loses the quality of all whose work has not vested', async () => {
    const dispatch = await open();
    const tab = await dispatch.tab(1);
    await work(tab);
    await work(tab);
    tab.session.profile.account = accountOf(2);
    // The next unit was leased for the first account.
    await work(tab);
    expect(await work(tab, 1)).toMatchObject({ type: 'rejected' });
    const rows = await dispatch.base.store.db
      .selectFrom('qualities')
      .select(['account', 'passed', 'failed'])
      .execute();
    expect(new Set(rows.map(({ account }) => account))).toEqual(new Set([accountOf(1), accountOf(2)]));
    expect(rows.every(({ passed, failed }) => passed === 0 && failed === 1)).toBe(true);
  });
});

describe('audits after the verdict', () => {
  it('go on where one breaks', async () => {
    const dispatch = await open({ auditFloorPpm: 0 });
    const tab = await dispatch.tab(1);
    await isTrusted(dispatch, tab);
    for (const offset of [2, 0, 2, 0]) await work(tab, offset);
    const { store } = dispatch.base;
    await store.db.updateTable('tasks').set({ recheck: 1 }).where('state', '=', 'accepted').execute();
    await dispatch.rechecks.drain();
    const rows = await store.db
      .selectFrom('tasks')
      .select(['recheck', 'audited'])
      .where('state', '=', 'accepted')
      .orderBy('seq')
      .execute();
    expect(rows.map(({ recheck }) => recheck)).toEqual([0, 0, 0, 0]);
    expect(rows.map(({ audited }) => audited)).toEqual([0, 1, 0, 1]);
  });
});

describe('leaving', () => {
  it('is no way out: the last units are put to a second coin before they vest by age', async () => {
    const dispatch = await open({ auditFloorPpm: 500_000 });
    const tab = await dispatch.tab(1);
    await isTrusted(dispatch, tab);
    for (let i = 0; i < 12; i++) await work(tab);
    tab.session.detach();
    const { ledger, store } = dispatch.base;
    for (let i = 0; i < TRUST_POLICY.vestingEpochs; i++) await ledger.closeEpoch();
    const rows = await store.db
      .selectFrom('receipts')
      .innerJoin('tasks', 'tasks.task_id', 'receipts.task_id')
      .select(['payload', 'audited', 'recheck'])
      .execute();
    const expected = rows.map(({ payload, audited }) => {
      const receipt = readReceipt(payload);
      if (!receipt.ok) throw new Error(receipt.message);
      const { taskId, digest, audit } = receipt.value;
      return audited === 0 && drawLateAudit(ledger.auditKey(0), taskId, digest, audit.threshold) ? 1 : 0;
    });
    expect(rows.map(({ recheck }) => recheck)).toEqual(expected);
    expect(new Set(expected)).toEqual(new Set([0, 1]));
  });

  it('brings an audit for results that were too large to keep, too: their digest was kept', async () => {
    const dispatch = await open({ auditFloorPpm: 500_000 });
    const tab = await dispatch.tab(1);
    await isTrusted(dispatch, tab);
    for (let i = 0; i < 12; i++) await work(tab);
    tab.session.detach();
    const { ledger, store } = dispatch.base;
    await store.db.deleteFrom('results').execute();
    for (let i = 0; i < TRUST_POLICY.vestingEpochs; i++) await ledger.closeEpoch();
    const due = await store.db.selectFrom('tasks').select('task_id').where('recheck', '>', 0).execute();
    expect(due.length).toBeGreaterThan(0);
  });

  it('is tried again where the audit of a digest could not be done', async () => {
    const dispatch = await open({ auditFloorPpm: 0 });
    const tab = await dispatch.tab(1);
    await isTrusted(dispatch, tab);
    await work(tab);
    const { base, trust, jobs } = dispatch;
    const { store, ledger, validator } = base;
    await store.db.updateTable('tasks').set({ recheck: 1 }).where('state', '=', 'accepted').execute();
    await store.db.deleteFrom('results').execute();
    let tries = 0;
    const audit = (): Promise<Audit> => {
      if (++tries < 3) return Promise.reject(new Error('the thread crashed'));
      return Promise.resolve({
        ...fail('DIGEST_MISMATCH', 'Wrong.'),
        evidence: {},
        weight: 'proof' as const,
      });
    };
    const rechecks = new Rechecks({
      store,
      ledger,
      trust,
      jobs,
      kinds: testKinds(60_000),
      audits: new Audits({ audit }, new FairQueue(1), noObserver),
      home: { subnet: SUBNET, validator },
      observer: noObserver,
      logger: silent,
    });
    await rechecks.drain();
    expect(tries).toBe(3);
    expect(await penalties(dispatch)).toMatchObject([{ peer: tab.peer, code: 'DIGEST_MISMATCH' }]);
  });

  it('does not release what waits for its audit, and loses it when the audit fails', async () => {
    const dispatch = await open({ auditFloorPpm: 0 });
    const tab = await dispatch.tab(1);
    await isTrusted(dispatch, tab);
    await work(tab, 1);
    tab.session.detach();
    const { ledger, store } = dispatch.base;
    await ledger.recordSlot();
    for (let i = 0; i < TRUST_POLICY.vestingEpochs; i++) await ledger.closeEpoch();
    await store.db.updateTable('tasks').set({ recheck: 1 }).where('state', '=', 'accepted').execute();
    await ledger.closeEpoch();
    const ends = () => store.db.selectFrom('lots').select('ended_as').execute();
    expect(await ends()).toEqual([{ ended_as: null }]);
    await dispatch.rechecks.drain();
    await ledger.closeEpoch();
    expect(await ends()).toEqual([{ ended_as: 'forfeit' }]);
  });
});

describe('openings', () => {
  const asked = ({ sent }: Tab) => sent.filter((m) => m.type === 'open');
  const tensor = { name: 'x', dtype: 'uint8' as const, dims: [1], data: new Uint8Array(1) };

  async function judgedWith(
    tab: Tab,
    act: (taskId: Uint8Array) => unknown,
    offset = 0,
  ): Promise<WorkFromNode | undefined> {
    const before = asked(tab).length;
    tab.session.ready(1);
    await vi.waitFor(() => expect(tab.session.leased).toBe(1));
    const lease = leasesIn(tab.sent).at(-1);
    if (lease === undefined) throw new Error('expected a lease');
    tab.session.ready(0);
    const judged = tab.session.result(resultFor(lease, offset));
    await vi.waitFor(() => expect(asked(tab)).toHaveLength(before + 1));
    await act(lease.taskId);
    await judged;
    return tab.sent.findLast(({ type }) => type === 'accepted' || type === 'rejected');
  }

  it('are asked for before the verdict, and paid when they fit', async () => {
    const dispatch = await open({ openings: true });
    const tab = await dispatch.tab(1);
    const verdict = await judgedWith(tab, (taskId) => tab.session.opening(taskId, [tensor]));
    expect(verdict).toMatchObject({ type: 'accepted' });
  });

  it('that are refused, do not fit or never come are not paid, and the third time is a proven failure', async () => {
    const dispatch = await open({ openings: true });
    const tab = await dispatch.tab(1);
    const unopened = { type: 'rejected', code: 'UNOPENED' };
    expect(await judgedWith(tab, (taskId) => tab.session.opening(taskId, []))).toMatchObject(unopened);
    expect(await judgedWith(tab, (taskId) => tab.session.opening(taskId, [tensor, tensor]))).toMatchObject(
      unopened,
    );
    expect(await penalties(dispatch)).toEqual([]);
    expect((await hashOf(dispatch, tab)).strikes).toBe(2);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    const last = await judgedWith(tab, () => vi.advanceTimersByTimeAsync(OPEN_TIMEOUT_MS));
    expect(last).toMatchObject(unopened);
    expect(await penalties(dispatch)).toMatchObject([{ code: 'UNOPENED' }]);
  });

  it('are not held against a tab whose validator goes down meanwhile', async () => {
    const dispatch = await open({ openings: true });
    const tab = await dispatch.tab(1);
    await judgedWith(tab, () => {
      dispatch.judge.stopping();
      dispatch.openings.close();
    });
    expect((await hashOf(dispatch, tab)).strikes).toBe(0);
  });

  it('are asked for again when a tab that lost its connection is back', async () => {
    const dispatch = await open({ openings: true });
    const tab = await dispatch.tab(1);
    const verdict = await judgedWith(tab, async (taskId) => {
      tab.session.detach();
      const back = await dispatch.tab(1);
      expect(asked(back)).toMatchObject([{ taskId }]);
      back.session.opening(taskId, [tensor]);
    });
    // The first stream is gone; the verdict is on disk.
    expect(verdict).toBeUndefined();
    expect(await hashOf(dispatch, tab)).toMatchObject({ strikes: 0, accepted: 1 });
  });

  it('that a reloaded page has lost are not paid and make it a suspect, but are no strike', async () => {
    const dispatch = await open({ openings: true });
    let tab = await dispatch.tab(1);
    for (let lost = 0; lost < 4; lost++) {
      const [before] = await penalties(dispatch);
      expect(before).toBeUndefined();
      const asks = tab;
      await judgedWith(asks, async (taskId) => {
        asks.session.detach();
        tab = await dispatch.tab(1);
        tab.session.opening(taskId, []);
      });
      expect(await hashOf(dispatch, tab)).toMatchObject({ strikes: 0, accepted: 0, suspect: true });
    }
    // Whoever loses four among its last audits is taken at its deeds.
    expect(await penalties(dispatch)).toMatchObject([{ code: 'UNOPENED' }]);
  });

  it('that are lost spare nobody the audit of the outputs', async () => {
    const dispatch = await open({ openings: true });
    const forger = await dispatch.tab(1);
    await judgedWith(
      forger,
      async (taskId) => {
        forger.session.detach();
        (await dispatch.tab(1)).session.opening(taskId, []);
      },
      1,
    );
    expect(await penalties(dispatch)).toMatchObject([{ code: 'DIGEST_MISMATCH' }]);
  });

  it('count as refused when the tab goes away and stays away', async () => {
    const dispatch = await open({ openings: true });
    const tab = await dispatch.tab(1);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    await judgedWith(tab, async () => {
      tab.session.detach();
      await vi.advanceTimersByTimeAsync(OPEN_TIMEOUT_MS - 1_000);
      expect((await hashOf(dispatch, tab)).strikes).toBe(0);
      await vi.advanceTimersByTimeAsync(1_000);
    });
    expect((await hashOf(dispatch, tab)).strikes).toBe(1);
  });

  it('of another peer are ignored', async () => {
    const dispatch = await open({ openings: true });
    const [tab, other] = [await dispatch.tab(1), await dispatch.tab(2)];
    const verdict = await judgedWith(tab, (taskId) => {
      other.session.opening(taskId, []);
      tab.session.opening(taskId, [tensor]);
    });
    expect(verdict).toMatchObject({ type: 'accepted' });
  });
});

describe('deadlines', () => {
  it('are met when the result comes, however long its audit takes', async () => {
    const dispatch = await open({ deadlineMs: 500, openings: true });
    const tab = await dispatch.tab(1);
    tab.session.ready(1);
    await vi.waitFor(() => expect(tab.session.leased).toBe(1));
    const [lease] = leasesIn(tab.sent);
    if (lease === undefined) throw new Error('expected a lease');
    tab.session.ready(0);
    const judged = tab.session.result(resultFor(lease));
    await new Promise((resolve) => setTimeout(resolve, 600));
    tab.session.opening(lease.taskId, [{ name: 'x', dtype: 'uint8', dims: [1], data: new Uint8Array(1) }]);
    await judged;
    expect(tab.sent.at(-1)).toMatchObject({ type: 'accepted' });
    expect((await hashOf(dispatch, tab)).latencyPpm).toBe(1_000_000);
  });

  it('of a previous run do not end what is being judged', async () => {
    const before = await open({ deadlineMs: 700, openings: true });
    const tab = await before.tab(1);
    tab.session.ready(1);
    await vi.waitFor(() => expect(tab.session.leased).toBe(1));
    const [lease] = leasesIn(tab.sent);
    if (lease === undefined) throw new Error('expected a lease');
    before.leases.close();
    const after = await open({ path: before.base.path, openings: true });
    const tensors = [{ name: 'x', dtype: 'uint8' as const, dims: [1], data: new Uint8Array(1) }];
    const verdict = await after.judge.judge(
      {
        peer: tab.peer,
        account: tab.account,
        artefact: null,
        open: () => new Promise((resolve) => setTimeout(() => resolve({ shown: tensors }), 900)),
      },
      resultFor(lease),
    );
    expect(verdict).toMatchObject({ type: 'accepted' });
  });

  it('that are missed cost the latency factor and nothing else', async () => {
    const dispatch = await open({ deadlineMs: 30 });
    const tab = await dispatch.tab(1);
    tab.session.ready(1);
    await vi.waitFor(() => expect(tab.sent.some(({ type }) => type === 'cancel')).toBe(true));
    tab.session.detach();
    const { latencyPpm, strikes, punishedUntilEpoch } = await hashOf(dispatch, tab);
    expect(latencyPpm).toBeLessThan((1_000_000 * (LATENCY_ONE - 1)) / LATENCY_ONE);
    expect([strikes, punishedUntilEpoch]).toEqual([0, 0]);
  });
});
