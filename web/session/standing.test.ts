import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { refusal } from '../../protocol/refusal.ts';
import { StateStore } from '../state/store.ts';
import { showEvidence } from './evidence.ts';
import type { StandingReply } from './ledger.ts';
import { LedgerSync } from './ledger-sync.ts';
import { standingOf } from './standing.ts';
import { FakeValidator, type FakeLink } from './testing/fake-validator.ts';

const policy = { vestingTasks: 200, vestingEpochs: 20, strikes: 3 };
const task = new Uint8Array(32).fill(7);
const taskId = '07'.repeat(32);

let validator: FakeValidator;
let link: FakeLink;
let ledger: LedgerSync;
let heard: StandingReply[];
let visible: boolean;
let end: AbortController;

beforeEach(async () => {
  validator = await FakeValidator.create();
  link = validator.connect(validator.peer);
  heard = [];
  visible = true;
  end = new AbortController();
  ledger = new LedgerSync({
    link,
    account: new Uint8Array(32),
    loadCursor: () => Promise.resolve(0),
    saveCursor: () => Promise.resolve(),
    keep: () => Promise.resolve(null),
    onBalance: () => {},
    onStanding: (standing) => heard.push(standing),
    visible: () => visible,
    onRoundTrip: () => {},
    onFailure: () => {},
    signal: end.signal,
  });
});
afterEach(() => {
  end.abort();
  vi.useRealTimers();
});

describe('how the validator sees the tab', () => {
  it('is asked for after joining and shown as plain data', async () => {
    await ledger.start();
    const [reply] = heard;
    if (reply === undefined) throw new Error('the validator was not asked');
    const standing = standingOf(reply, policy, 1_000);
    expect(standing).toMatchObject({
      kinds: [{ kind: 'hash', auditPpm: 750_000, unvested: 3, escrow: '196611' }],
      forfeited: '0',
      burst: null,
      strikeLimit: 3,
      vesting: { units: 200, epochs: 20 },
      atMs: 1_000,
    });
    expect(JSON.parse(JSON.stringify(standing))).toEqual(standing);
    const burst = { rate: 900n, low: 850n, high: 950n, atMs: 5 };
    expect(standingOf({ ...reply, burst }, policy, 0).burst).toEqual({
      rate: 900,
      low: 850,
      high: 950,
      atMs: 5,
    });
  });

  it('is asked for every 15 s while somebody may be looking, and not otherwise', async () => {
    // The streams keep their own timers: only those that are asked about are held.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await ledger.standing();
    expect(validator.standingAsked).toBe(1);
    await vi.advanceTimersByTimeAsync(14_900);
    expect(validator.standingAsked).toBe(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(validator.standingAsked).toBe(2);
    visible = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(validator.standingAsked).toBe(2);
    visible = true;
    await vi.advanceTimersByTimeAsync(15_100);
    expect(validator.standingAsked).toBe(3);
    end.abort();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(validator.standingAsked).toBe(3);
  });

  it('shares one stream with everything else that is asked at the same time', async () => {
    const opened = vi.spyOn(link, 'openStream');
    await Promise.all([ledger.start(), ledger.standing(), ledger.evidence(task)]);
    expect(opened).toHaveBeenCalledTimes(1);
  });
});

describe('evidence', () => {
  const ask = (id: Uint8Array) => ledger.evidence(id);

  it('is shown as it came', async () => {
    const state = new StateStore();
    const shown = showEvidence(state, ask, taskId);
    expect(state.signal.value.evidence).toEqual({ taskId, status: 'asking' });
    await shown;
    expect(state.signal.value.evidence).toMatchObject({
      taskId,
      status: 'here',
      state: 'accepted',
      code: null,
    });
  });

  it('says why it cannot be had: refused, about another task, or nobody to ask', async () => {
    const state = new StateStore();
    const shownNow = () => state.signal.value.evidence;
    validator.onEvidence = () => ({ type: 'refused', ...refusal('NOT_FOUND') });
    await showEvidence(state, ask, taskId);
    expect(shownNow()).toEqual({ taskId, status: 'failed', message: refusal('NOT_FOUND').message });
    validator.onEvidence = () => ({
      type: 'evidence',
      taskId: new Uint8Array(32),
      state: 'accepted',
      evidence: '{}',
    });
    await showEvidence(state, ask, taskId);
    expect(shownNow()).toMatchObject({ status: 'failed', message: expect.stringContaining('another task') });
    await showEvidence(state, null, taskId);
    expect(shownNow()).toMatchObject({ status: 'failed', message: expect.stringContaining('not connected') });
  });

  it('does not come back once it was closed, or another unit was opened', async () => {
    const state = new StateStore();
    const first = showEvidence(state, ask, taskId);
    const second = showEvidence(state, null, 'aa'.repeat(32));
    await Promise.all([first, second]);
    expect(state.current.evidence?.taskId).toBe('aa'.repeat(32));
    const third = showEvidence(state, ask, taskId);
    state.update({ evidence: null });
    await third;
    expect(state.current.evidence).toBeNull();
  });
});
