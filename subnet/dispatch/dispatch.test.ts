import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import { MAX_LEASES } from '../../protocol/limits.ts';
import { REFUSED } from './openings.ts';
import { LEASE_BURST } from './tab.ts';
import { giveEscrow, leasesIn, openTestDispatch, resultFor, type TestDispatch } from '../testing/dispatch.ts';
import { accountOf } from '../testing/ledger.ts';

let opened: TestDispatch[] = [];
const open = async (options?: Parameters<typeof openTestDispatch>[0]): Promise<TestDispatch> => {
  const made = await openTestDispatch(options);
  opened.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(opened.map((dispatch) => dispatch.close()));
  opened = [];
});

const first = <T>(items: readonly T[]): T => {
  const [item] = items;
  if (item === undefined) throw new Error('expected at least one');
  return item;
};
const states = async ({ base }: TestDispatch): Promise<string[]> =>
  (await base.store.db.selectFrom('tasks').select('state').orderBy('seq').execute()).map(
    ({ state }) => state,
  );

const submitterOf = (peer: PeerId, account: AccountId) => ({
  peer,
  account,
  artefact: null,
  open: () => Promise.resolve(REFUSED),
});

describe('leases', () => {
  it('come as many as the tab asked for, and one more for each result', async () => {
    const dispatch = await open();
    const { session, sent } = await dispatch.tab(1);
    session.ready(2);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(2));
    await session.result(resultFor(first(leasesIn(sent))));
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(3));
    expect(session.leased).toBe(2);
    expect(new Set(leasesIn(sent).map(({ seq }) => seq)).size).toBe(3);
  });

  it('stop on pause, go back at once, and come again on resume', async () => {
    const dispatch = await open();
    const { session, sent } = await dispatch.tab(1);
    session.ready(2);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(2));
    await session.pause('on battery');
    expect(await states(dispatch)).toEqual(['released', 'released']);
    expect(session.leased).toBe(0);
    session.resume(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(3));
  });

  it('lapse at their deadline, with word to the tab', async () => {
    const dispatch = await open({ deadlineMs: 50 });
    const { session, sent } = await dispatch.tab(1);
    session.ready(1);
    await vi.waitFor(() => expect(sent.some(({ type }) => type === 'cancel')).toBe(true));
    const lapsed = first(leasesIn(sent));
    await session.result(resultFor(lapsed));
    expect(sent.filter(({ type }) => type === 'rejected')).toMatchObject([{ code: 'DEADLINE_PASSED' }]);
  });

  it('say why there is no work', async () => {
    const dispatch = await open();
    const { session, sent } = await dispatch.tab(1);
    session.profile.able.clear();
    session.ready(1);
    await vi.waitFor(() => expect(sent).toMatchObject([{ type: 'idle' }]));
  });
});

describe('verdicts', () => {
  it('are given to so many results of a peer at a time, whatever streams they come by', async () => {
    const dispatch = await open({ openings: true });
    const { peer, account } = await dispatch.tab(1);
    const { leases, judge, base } = dispatch;
    const { epoch, beacon } = base.ledger.current;
    const never = { ...submitterOf(peer, account), open: () => new Promise<never>(() => undefined) };
    const submit = async (seq: number) => {
      const unit = {
        kind: 'hash' as const,
        spec: { algorithm: 'sha256d' as const, version: 1, bits: 0x1f03ffff },
        input: { time: seq, nonceStart: 100, nonceCount: 10 },
      };
      const lease = leases.propose({ peer, account, epoch, beacon, seq, hashRate: 1, unit, job: null });
      await leases.issue(lease);
      const sent = { type: 'lease' as const, taskId: lease.taskId, epoch, beacon, seq, deadlineMs: 1, unit };
      return judge.judge(never, resultFor(sent));
    };
    for (let seq = 0; seq < 4 * MAX_LEASES; seq++) void submit(seq);
    await vi.waitFor(async () => expect(await states(dispatch)).toHaveLength(4 * MAX_LEASES));
    expect(await submit(1_000)).toMatchObject({ type: 'rejected', code: 'RATE_LIMITED' });
  });

  it('accept with a receipt that is in the ledger', async () => {
    const dispatch = await open();
    const { session, sent, account } = await dispatch.tab(1);
    session.ready(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(1));
    await session.result(resultFor(first(leasesIn(sent))));
    const accepted = first(sent.filter((m) => m.type === 'accepted'));
    expect(await dispatch.base.ledger.receiptOf(accepted.taskId)).toEqual(accepted.receipt);
    expect(await dispatch.base.ledger.pending(account)).toMatchObject([{ units: 1, work: 1000n }]);
  });

  it('come once: a replay gets the receipt again and no second payment', async () => {
    const dispatch = await open();
    const { session, sent, account } = await dispatch.tab(1);
    session.ready(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(1));
    const result = resultFor(first(leasesIn(sent)));
    await Promise.all([session.result(result), session.result(result), session.result(result)]);
    const accepted = first(sent.filter((m) => m.type === 'accepted'));
    const refused = sent.filter((m) => m.type === 'rejected');
    expect(refused).toMatchObject([{ code: 'ALREADY_JUDGED' }, { code: 'ALREADY_JUDGED' }]);
    expect(refused.map((m) => m.receipt)).toEqual([accepted.receipt, accepted.receipt]);
    expect(await dispatch.base.ledger.pending(account)).toMatchObject([{ units: 1 }]);
  });

  it('refuse what belongs to someone else, and leave the lease with its owner', async () => {
    const dispatch = await open();
    const owner = await dispatch.tab(1);
    const thief = await dispatch.tab(2);
    owner.session.ready(1);
    await vi.waitFor(() => expect(leasesIn(owner.sent)).toHaveLength(1));
    const lease = first(leasesIn(owner.sent));
    await thief.session.result(resultFor(lease));
    expect(thief.sent).toMatchObject([{ type: 'rejected', code: 'NOT_YOUR_LEASE' }]);
    await owner.session.result(resultFor(lease));
    expect(owner.sent.some(({ type }) => type === 'accepted')).toBe(true);
    expect(await dispatch.base.ledger.pending(accountOf(2))).toEqual([]);
  });

  it('refuse a wrong result with the code of the audit, for good', async () => {
    const dispatch = await open();
    const { session, sent, account } = await dispatch.tab(1);
    session.ready(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(1));
    const lease = first(leasesIn(sent));
    await session.result(resultFor(lease, 1));
    await session.result(resultFor(lease, 0));
    const codes = sent.filter((m) => m.type === 'rejected').map(({ code }) => code);
    expect(codes).toEqual(['DIGEST_MISMATCH', 'ALREADY_JUDGED']);
    expect(await dispatch.base.ledger.pending(account)).toEqual([]);
  });

  it('refuse a digest that is not that of the result, before any audit', async () => {
    const dispatch = await open();
    const { session, sent } = await dispatch.tab(1);
    session.ready(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(1));
    await session.result({ ...resultFor(first(leasesIn(sent))), digest: new Uint8Array(32) });
    expect(sent.filter((m) => m.type === 'rejected')).toMatchObject([{ code: 'BAD_DIGEST' }]);
  });

  it('hold a broken verifier against nobody', async () => {
    const dispatch = await open();
    const { session, sent } = await dispatch.tab(1);
    session.ready(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(1));
    await session.result(resultFor(first(leasesIn(sent)), 2));
    expect(sent.filter((m) => m.type === 'rejected')).toMatchObject([{ code: 'VERIFIER_FAILED' }]);
    expect((await states(dispatch))[0]).toBe('released');
  });

  it('audit nobody where the coin says so', async () => {
    const dispatch = await open({ auditFloorPpm: 0 });
    const { session, sent, peer } = await dispatch.tab(1);
    await giveEscrow(dispatch, peer, 10n ** 15n);
    session.ready(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(1));
    await session.result(resultFor(first(leasesIn(sent)), 1));
    expect(sent.some(({ type }) => type === 'accepted')).toBe(true);
  });

  it('take a result whose epoch closed while it was computed', async () => {
    const dispatch = await open();
    const { session, sent, account } = await dispatch.tab(1);
    session.ready(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(1));
    for (let i = 0; i < 3; i++) await dispatch.base.ledger.closeEpoch();
    await session.result(resultFor(first(leasesIn(sent))));
    expect(await dispatch.base.ledger.pending(account)).toMatchObject([{ units: 1 }]);
  });

  it('refuse a task that lapsed in an epoch that is over', async () => {
    const dispatch = await open({ deadlineMs: 30 });
    const { session, sent } = await dispatch.tab(1);
    session.ready(1);
    await vi.waitFor(() => expect(sent.some(({ type }) => type === 'cancel')).toBe(true));
    await dispatch.base.ledger.closeEpoch();
    await session.result(resultFor(first(leasesIn(sent))));
    expect(sent.filter((m) => m.type === 'rejected')).toMatchObject([{ code: 'STALE_EPOCH' }]);
  });
});

describe('a tab that plays games', () => {
  it('gets no more leases by opening stream after stream', async () => {
    const dispatch = await open();
    for (let i = 0; i < 5; i++) {
      const { session, sent } = await dispatch.tab(1);
      session.ready(4);
      await vi.waitFor(() => expect(leasesIn(sent).length).toBeGreaterThan(0));
      await vi.waitFor(() => expect(session.leased).toBeGreaterThan(0));
      session.detach();
    }
    const held = (await states(dispatch)).filter((state) => state === 'leased');
    expect(held.length).toBeLessThanOrEqual(2 * MAX_LEASES);
  });

  it('runs out of leases when it hands all of them back', async () => {
    const dispatch = await open();
    const { session, sent } = await dispatch.tab(1);
    session.ready(4);
    const handBack = (): Promise<void> =>
      session.release(
        leasesIn(sent).map(({ taskId }) => taskId),
        'no',
      );
    for (let i = 0; i < 40; i++) {
      await handBack();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // The burst, and what trickles in during the test.
    expect(leasesIn(sent).length).toBeLessThan(LEASE_BURST + 6);
  });

  it('keeps its allowance as long as its results are accepted', async () => {
    const dispatch = await open();
    const { session, sent } = await dispatch.tab(1);
    session.ready(1);
    for (let i = 0; i < LEASE_BURST * 2; i++) {
      await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(i + 1));
      const lease = leasesIn(sent)[i];
      if (lease !== undefined) await session.result(resultFor(lease));
    }
    expect(sent.filter(({ type }) => type === 'accepted')).toHaveLength(LEASE_BURST * 2);
  });
});

describe('a store that fails', () => {
  it('costs nobody a result and ends nothing: the tab may send it again', async () => {
    const dispatch = await open();
    const { session, sent, peer, account } = await dispatch.tab(1);
    session.ready(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(1));
    const result = resultFor(first(leasesIn(sent)));
    const broken = vi.spyOn(dispatch.base.store, 'write').mockRejectedValue(new Error('disk full'));
    expect(await dispatch.judge.judge(submitterOf(peer, account), result)).toMatchObject({
      code: 'VERIFIER_FAILED',
    });
    broken.mockRestore();
    expect(await dispatch.judge.judge(submitterOf(peer, account), result)).toMatchObject({
      type: 'accepted',
    });
  });

  it('is tried again when a lease could not be issued', async () => {
    const dispatch = await open();
    const { session, sent } = await dispatch.tab(1);
    vi.spyOn(dispatch.base.store, 'write').mockRejectedValueOnce(new Error('locked'));
    session.ready(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(1), { timeout: 8_000 });
  });
});

describe('after a restart', () => {
  it('a lease of before is still good, once', async () => {
    const before = await open();
    const { session, sent, peer, account } = await before.tab(1);
    session.ready(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(1));
    const result = resultFor(first(leasesIn(sent)));
    before.leases.close();
    session.detach();
    const after = await open({ path: before.base.path });
    expect(await after.judge.judge(submitterOf(peer, account), result)).toMatchObject({ type: 'accepted' });
    expect(await after.judge.judge(submitterOf(peer, account), result)).toMatchObject({
      code: 'ALREADY_JUDGED',
    });
    expect(await after.leases.nextSeq(peer)).toBe(1);
  });

  it('a lease whose deadline passed meanwhile is not', async () => {
    const before = await open({ deadlineMs: 1_000 });
    const { session, sent, peer, account } = await before.tab(1);
    session.ready(1);
    await vi.waitFor(() => expect(leasesIn(sent)).toHaveLength(1));
    before.leases.close();
    session.detach();
    await before.base.store.db
      .updateTable('tasks')
      .set({ deadline_at_ms: Date.now() - 1 })
      .execute();
    const after = await open({ path: before.base.path });
    await vi.waitFor(async () => expect(await states(after)).toEqual(['expired']));
    const verdict = await after.judge.judge(submitterOf(peer, account), resultFor(first(leasesIn(sent))));
    expect(verdict).toMatchObject({ code: 'DEADLINE_PASSED' });
  });
});
