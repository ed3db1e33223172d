import type { KindName, Unit } from '../../protocol/kinds/registry.ts';
import type { UnitContext } from '../kinds/kind.ts';
import type { Jobs, QueuedJob } from './jobs.ts';
import type { Kinds } from './lease.ts';

export type NextUnit = { unit: Unit; job: number | null };

const HASH_EVERY = 8;

/**
 * One hash unit in every eight where a tab can do both: the point is AI work, hashes keep the benchmark fresh. A function of
 * `seq` alone, so that a lease's kind follows from its row.
 */
export function standingKind(able: ReadonlySet<KindName>, seq: number): KindName | null {
  if (able.has('infer') && (seq % HASH_EVERY !== 0 || !able.has('hash'))) return 'infer';
  return able.has('hash') ? 'hash' : null;
}

/** What a tab gets next: requesters' units first, oldest first, then standing work. */
export class WorkSource {
  readonly #jobs: Jobs;
  readonly #kinds: Kinds;
  /** Jobs being handed out right now, so that two tabs do not reach for the same row. */
  readonly #reserved = new Set<number>();

  constructor(jobs: Jobs, kinds: Kinds) {
    this.#jobs = jobs;
    this.#kinds = kinds;
  }

  /** Calls `use` with the next unit, or with null when there is none for these kinds. */
  async with<T>(
    able: ReadonlySet<KindName>,
    context: UnitContext,
    use: (next: NextUnit | null) => Promise<T>,
  ): Promise<T> {
    const job = able.has('infer') ? await this.#jobs.oldest(this.#reserved) : null;
    if (job !== null && !this.#reserved.has(job.id)) return await this.#withJob(job, use);
    const kind = standingKind(able, context.seq);
    const unit = kind === null ? null : await this.#kinds.nextUnit(kind, context);
    return await use(unit === null ? null : { unit, job: null });
  }

  async #withJob<T>(job: QueuedJob, use: (next: NextUnit) => Promise<T>): Promise<T> {
    this.#reserved.add(job.id);
    try {
      return await use({ unit: job.unit, job: job.id });
    } finally {
      this.#reserved.delete(job.id);
    }
  }
}
