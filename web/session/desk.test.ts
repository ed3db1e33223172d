import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toHex } from '../../protocol/bytes.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { digestOf, type Unit } from '../../protocol/kinds/registry.ts';
import type { Lease, WorkFromTab } from '../../protocol/messages.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { taskIdBytes } from '../../protocol/task.ts';
import type { TaskDone, WorkerTask } from '../../worker/contract.ts';
import type { PoolProblem } from '../pool/pool.ts';
import type { UnitRow } from '../state/types.ts';
import { MAX_UNANSWERED, UnitDesk } from './desk.ts';
import { hashUnit } from './testing/fake-validator.ts';

const subnet = new Uint8Array(32).fill(1);
const beacon = new Uint8Array(32).fill(2);
const validator = 'validator' as PeerId;
const peer = 'tab' as PeerId;
const result = { kind: 'hash' as const, body: { nonces: [] } };
const done: TaskDone = { digest: digestOf(result), result, provider: 'cpu', elapsedMs: 1 };

let seq = 0;
function lease(unit: Unit = hashUnit(0)): Lease {
  const epoch = 1;
  const taskId = taskIdBytes({ subnet, validator, epoch, beacon, peer, seq }, unit);
  return { taskId, epoch, beacon, seq: seq++, deadlineMs: 60_000, unit };
}

/** The validator's side of a stream as it behaves: it leases up to what is wanted, and again what is handed back. */
class Side {
  readonly validator = validator;
  readonly maxLeases = 4;
  readonly sent: WorkFromTab[] = [];
  readonly held = new Set<string>();
  unit: () => Unit = () => hashUnit(0);
  /** Leases whether they are wanted or not. */
  pushy = false;
  leased = 0;
  #wanted = 0;
  #paused = false;
  #due = false;
  readonly #desk: UnitDesk;

  constructor(desk: UnitDesk) {
    this.#desk = desk;
  }

  send(message: WorkFromTab): Promise<boolean> {
    this.sent.push(message);
    if (message.type === 'ready' || message.type === 'resume') this.#wanted = message.n;
    if (message.type === 'pause' || message.type === 'resume') this.#paused = message.type === 'pause';
    if (this.#paused) this.held.clear();
    if (message.type === 'release') for (const id of message.taskIds) this.held.delete(toHex(id));
    if (message.type === 'result') this.held.delete(toHex(message.taskId));
    // A round trip later, and once for all that was said meanwhile.
    if (!this.#due) setTimeout(() => void this.fill(), 5);
    this.#due = true;
    return Promise.resolve(true);
  }

  async fill(): Promise<void> {
    this.#due = false;
    if (this.#paused) return;
    // What comes back at once is sent out again a round trip later.
    for (let missing = (this.pushy ? 2 : this.#wanted) - this.held.size; missing > 0; missing--) {
      const next = lease(this.unit());
      this.held.add(toHex(next.taskId));
      this.leased += 1;
      await this.#desk.lease(next);
    }
  }

  of<T extends WorkFromTab['type']>(type: T): Extract<WorkFromTab, { type: T }>[] {
    return this.sent.filter((message): message is Extract<WorkFromTab, { type: T }> => message.type === type);
  }
}

let run: (task: WorkerTask) => Promise<Outcome<TaskDone, PoolProblem>>;
let unable: (unit: Unit) => string | null;
let ran: number;
const rows = new Map<string, UnitRow>();
const onProblem = vi.fn<(code: string, message: string) => void>();

function setUp(): { desk: UnitDesk; side: Side } {
  const desk = new UnitDesk({
    subnet,
    peer,
    run: (task) => {
      ran += 1;
      return run(task);
    },
    cancel: () => {},
    label: () => 'unit',
    unable: (unit) => unable(unit),
    onUnit: (row) => rows.set(row.taskId, row),
    onDone: () => {},
    onReceipt: () => fail('MALFORMED', 'none'),
    onProblem,
    nowMs: () => Date.now(),
  });
  return { desk, side: new Side(desk) };
}

beforeEach(() => {
  vi.useFakeTimers();
  run = () => new Promise((resolve) => setTimeout(() => resolve(ok(done)), 10));
  unable = () => null;
  ran = 0;
  rows.clear();
  onProblem.mockClear();
});
afterEach(() => {
  vi.useRealTimers();
});

const inferUnit = (): Unit => ({
  kind: 'infer',
  spec: { model: new Uint8Array(32).fill(7) },
  input: { tensors: [{ name: 'x', dtype: 'uint8', dims: [1], data: new Uint8Array(1) }] },
});

describe('units that fail here', () => {
  beforeEach(() => {
    run = () => Promise.resolve(fail('RUNTIME_FAILED', 'out of memory'));
  });

  it('wait 1 s, 2 s, 4 s … for the next try, on both sides of the stream', async () => {
    const { desk, side } = setUp();
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(ran).toBe(3);
    expect(side.leased).toBeLessThan(10);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(ran).toBe(4);
  });

  it('end the wish for work before the lease goes back, and every lease goes back', async () => {
    const { desk, side } = setUp();
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(50);
    const types = side.sent.map((message) =>
      message.type === 'ready' ? `ready ${message.n}` : message.type,
    );
    expect(types.slice(0, 3)).toEqual(['ready 2', 'ready 0', 'release']);
    expect(types.filter((type) => type === 'ready 0')).toHaveLength(1);
    expect(side.held.size).toBe(0);
    expect(side.leased).toBe(2);
  });

  it('turn away what is leased all the same', async () => {
    const { desk, side } = setUp();
    side.pushy = true;
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(900);
    expect(ran).toBe(1);
  });

  it('ask for work again after the wait, and count from the start after a success', async () => {
    const { desk, side } = setUp();
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(500);
    run = () => new Promise((resolve) => setTimeout(() => resolve(ok(done)), 10));
    await vi.advanceTimersByTimeAsync(600);
    expect(side.of('ready').at(-1)?.n).toBe(2);
    expect(side.of('result').length).toBeGreaterThan(0);
    run = () => Promise.resolve(fail('RUNTIME_FAILED', 'again'));
    await vi.advanceTimersByTimeAsync(50);
    const before = ran;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ran).toBe(before + 1);
  });
});

describe('units of models that are not ready', () => {
  it('go back unrun, and are no failure: other work goes on at once', async () => {
    const { desk, side } = setUp();
    unable = (unit) => (unit.kind === 'infer' ? 'its model is not ready here' : null);
    let given = 0;
    side.unit = () => (given++ === 0 ? inferUnit() : hashUnit(0));
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(100);
    expect(side.of('release')).toHaveLength(1);
    expect(side.of('release')[0]?.reason).toContain('not ready');
    expect(side.of('result').length).toBeGreaterThan(3);
    expect(side.of('ready').every(({ n }) => n === 2)).toBe(true);
    expect(onProblem).not.toHaveBeenCalled();
  });

  it('go back when the model breaks under them, without the growing wait', async () => {
    const { desk, side } = setUp();
    side.unit = inferUnit;
    run = () => {
      unable = () => 'its model is not ready here';
      return Promise.resolve(fail('UNSUPPORTED', 'the model of this unit is not prepared'));
    };
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(6);
    expect(ran).toBe(1);
    expect(onProblem).not.toHaveBeenCalled();
    expect(side.of('ready').at(-1)?.n).toBe(2);
  });

  it('do not spin when a validator keeps sending them', async () => {
    const { desk, side } = setUp();
    side.unit = inferUnit;
    unable = () => 'its model is not ready here';
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ran).toBe(0);
    expect(side.leased).toBeLessThan(120);
  });
});

describe('results without a verdict', () => {
  it('end the taking of work at their limit, whatever the validator sends', async () => {
    const { desk, side } = setUp();
    side.pushy = true;
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(ran).toBe(MAX_UNANSWERED);
    expect(side.of('ready').at(-1)?.n).toBe(0);
  });

  it('free a place with each verdict', async () => {
    const { desk, side } = setUp();
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(ran).toBe(MAX_UNANSWERED);
    const taskId = side.of('result')[0]?.taskId ?? subnet;
    desk.verdict({ type: 'rejected', taskId, code: 'DEADLINE_PASSED', message: '', next: 'continue' });
    await vi.advanceTimersByTimeAsync(100);
    expect(ran).toBe(MAX_UNANSWERED + 1);
  });

  it('are judged by the validator they are for alone', async () => {
    const { desk, side } = setUp();
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(20);
    desk.detach();
    const taskId = side.of('result')[0]?.taskId ?? subnet;
    const verdict = {
      type: 'rejected',
      taskId,
      code: 'NOT_YOUR_LEASE',
      message: '',
      next: 'continue',
    } as const;
    desk.verdict(verdict);
    desk.attach({ validator: 'another' as PeerId, maxLeases: 4, send: () => Promise.resolve(true) });
    desk.verdict(verdict);
    expect(rows.get(toHex(taskId))?.status).toBe('returned');
    desk.detach();
    desk.attach(side);
    desk.verdict(verdict);
    expect(rows.get(toHex(taskId))?.status).toBe('rejected');
  });

  it('bound what streams that drop and lease anew can pile up', async () => {
    const { desk } = setUp();
    run = () => new Promise(() => {});
    for (let i = 0; i < 40; i++) {
      const side = new Side(desk);
      side.pushy = true;
      desk.attach(side);
      await vi.advanceTimersByTimeAsync(50);
      desk.detach();
    }
    expect([...rows.values()].filter(({ status }) => status === 'leased').length).toBeLessThan(
      MAX_UNANSWERED,
    );
  });
});

describe('a result that is to be opened', () => {
  const interior = [{ name: 'inside', dtype: 'uint8' as const, dims: [1], data: Uint8Array.of(5) }];

  it('shows what it was sealed with, on this stream or the next, until its verdict', async () => {
    const { desk, side } = setUp();
    run = () => Promise.resolve(ok({ ...done, interior }));
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(20);
    const taskId = side.of('result')[0]?.taskId ?? subnet;
    expect(side.of('result').every((message) => !('interior' in message))).toBe(true);
    desk.open(taskId);
    desk.detach();
    desk.attach(side);
    desk.open(taskId);
    const opening = { type: 'opening', taskId, tensors: interior };
    expect(side.of('opening')).toEqual([opening, opening]);
    desk.verdict({ type: 'rejected', taskId, code: 'DEADLINE_PASSED', message: '', next: 'continue' });
    desk.open(taskId);
    expect(side.of('opening').at(-1)).toEqual({ ...opening, tensors: [] });
  });

  it('is shown to its own validator alone', async () => {
    const { desk, side } = setUp();
    run = () => Promise.resolve(ok({ ...done, interior }));
    desk.attach(side);
    await vi.advanceTimersByTimeAsync(20);
    desk.detach();
    const other = new Side(desk);
    desk.attach({ validator: 'another' as PeerId, maxLeases: 4, send: (message) => other.send(message) });
    desk.open(side.of('result')[0]?.taskId ?? subnet);
    expect(other.of('opening').map(({ tensors }) => tensors)).toEqual([[]]);
  });
});

describe('pause and a quick resume', () => {
  it('a lease that was on its way at the pause is not run by the resumed tab', async () => {
    const { desk, side } = setUp();
    run = () => new Promise(() => {});
    desk.attach(side);
    desk.pause('battery');
    desk.resume();
    await vi.advanceTimersByTimeAsync(100);
    await desk.lease(lease());
    expect(ran).toBe(0);
    expect(side.of('release')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(side.of('resume')).toEqual([{ type: 'resume', n: 2 }]);
    await vi.advanceTimersByTimeAsync(10);
    expect(ran).toBe(1);
  });

  it('a pause overtakes the resume before it', async () => {
    const { desk, side } = setUp();
    desk.attach(side);
    desk.pause('one');
    desk.resume();
    desk.pause('two');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(side.of('resume')).toHaveLength(0);
    desk.resume();
    await vi.advanceTimersByTimeAsync(10);
    expect(side.of('resume')).toHaveLength(1);
  });
});
