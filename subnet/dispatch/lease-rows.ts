import type { PeerId, AccountId } from '../../protocol/ids.ts';
import type { KindName } from '../../protocol/kinds/registry.ts';
import { taskIdBytes, type TaskBinding } from '../../protocol/task.ts';
import type { UnitContext } from '../kinds/kind.ts';
import type { Store, Tx } from '../store/store.ts';
import type { Jobs } from './jobs.ts';
import type { HeldLease, Kinds } from './lease.ts';

/** What a lease is bound to beside its peer and unit. */
export type LeaseHome = { subnet: Uint8Array; validator: PeerId };

/** Writes a lease's row; false when the job it was for has gone elsewhere. Call inside a write. */
export async function insertLease(
  tx: Tx,
  { jobs, home }: Pick<LeaseParts, 'jobs' | 'home'>,
  lease: HeldLease,
  deadlineMs: number,
  nowMs: number,
): Promise<boolean> {
  if (lease.job !== null && !(await jobs.take(tx, lease.job, lease.taskId))) return false;
  await tx
    .insertInto('tasks')
    .values({
      task_id: lease.taskId,
      validator: home.validator,
      peer: lease.peer,
      epoch: lease.epoch,
      seq: lease.seq,
      kind: lease.unit.kind,
      hash_rate: lease.hashRate,
      job: lease.job,
      state: 'leased',
      issued_at_ms: nowMs,
      deadline_at_ms: nowMs + deadlineMs,
    })
    .execute();
  return true;
}

/** What a lease is made again from. */
export type LeaseParts = { store: Store; kinds: Kinds; jobs: Jobs; home: LeaseHome };

/**
 * The lease of a row in `state`, made again: after a restart, or for an audit after the verdict. Null when there is none, or
 * when units are made differently by now, so that the task id no longer fits.
 */
export async function remakeLease(
  parts: LeaseParts,
  taskId: Uint8Array,
  account: AccountId,
  state: 'leased' | 'accepted',
): Promise<HeldLease | null> {
  const { store, kinds, jobs, home } = parts;
  const row = await store.db
    .selectFrom('tasks')
    .innerJoin('epochs', 'epochs.epoch', 'tasks.epoch')
    .select(['peer', 'tasks.epoch', 'seq', 'kind', 'hash_rate', 'job', 'beacon'])
    .where('task_id', '=', taskId)
    .where('state', '=', state)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { epoch, beacon, seq, job, hash_rate: hashRate } = row;
  const peer = row.peer as PeerId;
  const context: UnitContext = { peer, epoch, beacon, seq, hashRate };
  const unit = job === null ? await kinds.nextUnit(row.kind as KindName, context) : await jobs.unitOf(job);
  if (unit === null) return null;
  const binding: TaskBinding = { ...home, epoch, beacon, peer, seq };
  if (Buffer.compare(taskIdBytes(binding, unit), taskId) !== 0) return null;
  return { taskId, peer, account, epoch, beacon, seq, hashRate, unit, job };
}
