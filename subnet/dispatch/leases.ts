import type { Logger } from 'pino';
import { toHex } from '../../protocol/bytes.ts';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import { MAX_LEASES } from '../../protocol/limits.ts';
import { errorText } from '../../protocol/outcome.ts';
import { taskIdBytes } from '../../protocol/task.ts';
import type { TaskState } from '../store/schema.ts';
import type { Store, Tx } from '../store/store.ts';
import type { Jobs } from './jobs.ts';
import type { HeldLease, Kinds } from './lease.ts';
import { insertLease, remakeLease, type LeaseHome } from './lease-rows.ts';

/** Open leases of one peer over all its streams: what it may hold, and as much again from before a reload. */
const MAX_OPEN = 2 * MAX_LEASES;
/** A write that failed (a full disk, a lock) is tried again after this long. */
const RETRY_MS = 5_000;
/** Longest delay a timer takes; beyond it Node fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Where a lease ended that was not judged. */
export type LeaseEnd = Extract<TaskState, 'released' | 'expired'>;

export type LeasesOptions = {
  store: Store;
  kinds: Kinds;
  jobs: Jobs;
  home: LeaseHome;
  onExpired: (lease: HeldLease) => void;
  /** A deadline was missed; runs inside the write that says so. */
  onMissed: (tx: Tx, peer: string) => Promise<void>;
  logger: Logger;
  now: () => number;
};

/**
 * Leases: on disk before they leave, in memory while they run, ended by a verdict, by the tab, or by their deadline. One
 * that outlives a restart of the node is made again from its row when its result comes.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #held = new Map<string, { lease: HeldLease; timer: NodeJS.Timeout }>();
  /** Keys of held leases by peer, oldest first. */
  readonly #byPeer = new Map<PeerId, Set<string>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Deadlines of leases of a previous run, by key. */
  readonly #recovered = new Map<string, NodeJS.Timeout>();

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /** Ends what a previous run left open and past its deadline, and waits on the rest. Call once, before any tab. */
  async recover(): Promise<void> {
    const open = await this.#options.store.db
      .selectFrom('tasks')
      .select(['task_id', 'job', 'deadline_at_ms'])
      .where('state', '=', 'leased')
      .where('validator', '=', this.#options.home.validator)
      .execute();
    for (const { task_id, job, deadline_at_ms } of open) {
      const key = toHex(task_id);
      const timer = this.#later(deadline_at_ms - this.#options.now(), () => {
        this.#recovered.delete(key);
        void this.#end(task_id, job, 'expired');
      });
      this.#recovered.set(key, timer);
    }
  }

  /** The `seq` of a peer's next lease: one past every lease it ever had, so that no task id repeats. */
  async nextSeq(peer: PeerId): Promise<number> {
    const { last } = await this.#options.store.db
      .selectFrom('tasks')
      .select((eb) => eb.fn.max('seq').as('last'))
      .where('validator', '=', this.#options.home.validator)
      .where('peer', '=', peer)
      .executeTakeFirstOrThrow();
    return (last ?? -1) + 1;
  }

  /** A lease that is nowhere yet; `issue` makes it count. */
  propose(draft: Omit<HeldLease, 'taskId'>): HeldLease {
    const { epoch, beacon, peer, seq, unit } = draft;
    return { ...draft, taskId: taskIdBytes({ ...this.#options.home, epoch, beacon, peer, seq }, unit) };
  }

  /** Records a lease and gives its deadline in milliseconds; null when the job it was for is gone. Durable on return. */
  async issue(lease: HeldLease): Promise<number | null> {
    const { store, kinds, now } = this.#options;
    await this.#makeRoom(lease.peer);
    const deadlineMs = Math.min(kinds.deadlineMs(lease.unit), MAX_TIMER_MS);
    if (!(await store.write((tx) => insertLease(tx, this.#options, lease, deadlineMs, now())))) return null;
    this.#hold(lease, deadlineMs);
    return deadlineMs;
  }

  /** The lease if this process holds it; no look at the disk. */
  held(taskId: Uint8Array): HeldLease | undefined {
    return this.#held.get(toHex(taskId))?.lease;
  }

  /** Takes a lease out of memory for judging, or makes one again that was issued before a restart. */
  async claim(taskId: Uint8Array, account: AccountId): Promise<HeldLease | null> {
    const held = this.#drop(taskId);
    if (held !== null) return held;
    const lease = await remakeLease(this.#options, taskId, account, 'leased');
    // It is back in time: its deadline must not end it while it is judged.
    if (lease !== null) this.#forgetDeadline(toHex(taskId));
    return lease;
  }

  /**
   * The lease ends without a verdict; a job's unit goes back into the queue. Never rejects: what cannot be written now is
   * written later.
   */
  async end(lease: HeldLease, how: LeaseEnd): Promise<void> {
    this.#drop(lease.taskId);
    await this.#end(lease.taskId, lease.job, how);
  }

  /** Forgets timers; rows stay as they are and are taken up by the next start. */
  close(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#held.clear();
    this.#byPeer.clear();
    this.#recovered.clear();
  }

  /** A peer that opens stream after stream gets no more leases than one that keeps to its own: the oldest go. */
  async #makeRoom(peer: PeerId): Promise<void> {
    const keys = this.#byPeer.get(peer);
    for (const key of [...(keys ?? [])].slice(0, Math.max(0, (keys?.size ?? 0) - MAX_OPEN + 1))) {
      const lease = this.#held.get(key)?.lease;
      if (lease !== undefined) await this.end(lease, 'released');
    }
  }

  #hold(lease: HeldLease, deadlineMs: number): void {
    const key = toHex(lease.taskId);
    const timer = setTimeout(() => {
      void this.end(lease, 'expired').then(() => this.#options.onExpired(lease));
    }, deadlineMs);
    this.#held.set(key, { lease, timer });
    const keys = this.#byPeer.get(lease.peer);
    if (keys === undefined) this.#byPeer.set(lease.peer, new Set([key]));
    else keys.add(key);
  }

  #drop(taskId: Uint8Array): HeldLease | null {
    const key = toHex(taskId);
    const held = this.#held.get(key);
    if (held === undefined) return null;
    clearTimeout(held.timer);
    this.#held.delete(key);
    const keys = this.#byPeer.get(held.lease.peer);
    keys?.delete(key);
    if (keys?.size === 0) this.#byPeer.delete(held.lease.peer);
    return held.lease;
  }

  async #end(taskId: Uint8Array, job: number | null, how: LeaseEnd): Promise<void> {
    const { store, jobs, logger, onMissed } = this.#options;
    try {
      await store.write(async (tx) => {
        const row = await tx
          .updateTable('tasks')
          .set({ state: how })
          .where('task_id', '=', taskId)
          .where('state', '=', 'leased')
          .returning('peer')
          .executeTakeFirst();
        if (row === undefined) return;
        if (how === 'expired') await onMissed(tx, row.peer);
        if (job !== null) await jobs.requeue(tx, job);
      });
      if (job !== null) jobs.emit('queued');
    } catch (error) {
      logger.error(
        { task: toHex(taskId), error: errorText(error) },
        'the end of a lease could not be written',
      );
      this.#later(RETRY_MS, () => void this.#end(taskId, job, how));
    }
  }

  #forgetDeadline(key: string): void {
    const timer = this.#recovered.get(key);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.#timers.delete(timer);
    this.#recovered.delete(key);
  }

  #later(ms: number, act: () => void): NodeJS.Timeout {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        act();
      },
      Math.min(MAX_TIMER_MS, Math.max(0, ms)),
    );
    this.#timers.add(timer);
    return timer;
  }
}
