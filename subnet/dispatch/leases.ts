import { toHex } from '../../protocol/bytes.ts';
import type { KindName } from '../../protocol/kinds/registry.ts';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import { taskIdBytes, type TaskBinding } from '../../protocol/task.ts';
import type { Unit } from '../../protocol/kinds/registry.ts';
import type { UnitContext } from '../kinds/kind.ts';
import type { TaskState } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Jobs } from './jobs.ts';
import type { HeldLease, Kinds } from './lease.ts';

export type LeaseRequest = {
  peer: PeerId;
  account: AccountId;
  hashRate: number;
  unit: Unit;
  seq: number;
  epoch: number;
  beacon: Uint8Array;
  job: number | null;
};

/** Where a lease ended that was not judged. */
export type LeaseEnd = Extract<TaskState, 'released' | 'expired'>;

/**
 * Leases: on disk before they leave, in memory while they run, ended by a verdict, by the tab, or by their deadline. One
 * that outlives a restart of the node is made again from its row when its result comes.
 */
export class Leases {
  readonly #store: Store;
  readonly #kinds: Kinds;
  readonly #jobs: Jobs;
  readonly #subnet: Uint8Array;
  readonly #validator: PeerId;
  readonly #held = new Map<string, { lease: HeldLease; timer: NodeJS.Timeout }>();
  readonly #onExpired: (lease: HeldLease) => void;

  constructor(options: {
    store: Store;
    kinds: Kinds;
    jobs: Jobs;
    subnet: Uint8Array;
    validator: PeerId;
    onExpired: (lease: HeldLease) => void;
  }) {
    this.#store = options.store;
    this.#kinds = options.kinds;
    this.#jobs = options.jobs;
    this.#subnet = options.subnet;
    this.#validator = options.validator;
    this.#onExpired = options.onExpired;
  }

  /** Ends what a previous run left open and past its deadline, and waits on the rest. Call once, before any tab. */
  async recover(): Promise<void> {
    const open = await this.#store.db
      .selectFrom('tasks')
      .select(['task_id', 'job', 'deadline_at_ms'])
      .where('state', '=', 'leased')
      .execute();
    for (const { task_id, job, deadline_at_ms } of open) {
      const left = Math.max(0, deadline_at_ms - Date.now());
      setTimeout(() => void this.#end(task_id, job, 'expired').catch(() => undefined), left).unref();
    }
  }

  /** The `seq` of a peer's next lease: one past every lease it ever had, so that no task id repeats. */
  async nextSeq(peer: PeerId): Promise<number> {
    const { last } = await this.#store.db
      .selectFrom('tasks')
      .select((eb) => eb.fn.max('seq').as('last'))
      .where('peer', '=', peer)
      .executeTakeFirstOrThrow();
    return (last ?? -1) + 1;
  }

  /** Records a lease; null when the job it was for is gone. What is returned is on disk. */
  async issue(request: LeaseRequest): Promise<{ lease: HeldLease; deadlineMs: number } | null> {
    const { peer, account, unit, seq, epoch, beacon, job, hashRate } = request;
    const binding: TaskBinding = {
      subnet: this.#subnet,
      validator: this.#validator,
      epoch,
      beacon,
      peer,
      seq,
    };
    const taskId = taskIdBytes(binding, unit);
    const deadlineMs = this.#kinds.deadlineMs(unit);
    const now = Date.now();
    const recorded = await this.#store.write(async (tx) => {
      if (job !== null && !(await this.#jobs.take(tx, job, taskId))) return false;
      await tx
        .insertInto('tasks')
        .values({
          task_id: taskId,
          peer,
          epoch,
          seq,
          kind: unit.kind,
          hash_rate: hashRate,
          job,
          state: 'leased',
          issued_at_ms: now,
          deadline_at_ms: now + deadlineMs,
        })
        .execute();
      return true;
    });
    if (!recorded) return null;
    const lease: HeldLease = { taskId, peer, account, epoch, beacon, unit, job };
    this.#hold(lease, deadlineMs);
    return { lease, deadlineMs };
  }

  /** The lease if this process holds it; no look at the disk. */
  held(taskId: Uint8Array): HeldLease | undefined {
    return this.#held.get(toHex(taskId))?.lease;
  }

  /** Takes a lease out of memory for judging, or makes one again that was issued before a restart. */
  async claim(taskId: Uint8Array, account: AccountId): Promise<HeldLease | null> {
    const key = toHex(taskId);
    const held = this.#held.get(key);
    if (held !== undefined) {
      clearTimeout(held.timer);
      this.#held.delete(key);
      return held.lease;
    }
    const row = await this.#store.db
      .selectFrom('tasks')
      .selectAll()
      .where('task_id', '=', taskId)
      .executeTakeFirst();
    if (row === undefined || row.state !== 'leased') return null;
    const epoch = await this.#store.db
      .selectFrom('epochs')
      .select('beacon')
      .where('epoch', '=', row.epoch)
      .executeTakeFirst();
    if (epoch === undefined) return null;
    const peer = row.peer as PeerId;
    const context: UnitContext = {
      peer,
      epoch: row.epoch,
      beacon: epoch.beacon,
      seq: row.seq,
      hashRate: row.hash_rate,
    };
    const unit =
      row.job === null
        ? await this.#kinds.nextUnit(row.kind as KindName, context)
        : await this.#jobs.unitOf(row.job);
    if (unit === null) return null;
    const binding: TaskBinding = {
      subnet: this.#subnet,
      validator: this.#validator,
      epoch: row.epoch,
      beacon: epoch.beacon,
      peer,
      seq: row.seq,
    };
    // The way units are made may have changed with a new version: then the lease is void.
    if (Buffer.compare(taskIdBytes(binding, unit), taskId) !== 0) return null;
    return { taskId, peer, account, epoch: row.epoch, beacon: epoch.beacon, unit, job: row.job };
  }

  /** The lease ends without a verdict; a job's unit goes back into the queue. */
  async end(lease: HeldLease, how: LeaseEnd): Promise<void> {
    const key = toHex(lease.taskId);
    clearTimeout(this.#held.get(key)?.timer);
    this.#held.delete(key);
    await this.#end(lease.taskId, lease.job, how);
  }

  /** Forgets timers; rows stay as they are and are taken up by the next start. */
  close(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }

  #hold(lease: HeldLease, deadlineMs: number): void {
    const timer = setTimeout(() => {
      this.end(lease, 'expired').then(
        () => this.#onExpired(lease),
        () => undefined,
      );
    }, deadlineMs);
    this.#held.set(toHex(lease.taskId), { lease, timer });
  }

  async #end(taskId: Uint8Array, job: number | null, how: LeaseEnd): Promise<void> {
    await this.#store.write(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('tasks')
        .set({ state: how })
        .where('task_id', '=', taskId)
        .where('state', '=', 'leased')
        .executeTakeFirst();
      if (numUpdatedRows === 1n && job !== null) await this.#jobs.requeue(tx, job, false);
    });
    if (job !== null) this.#jobs.emit('queued');
  }
}
