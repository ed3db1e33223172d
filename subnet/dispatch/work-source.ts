import { toHex } from '../../protocol/bytes.ts';
import type { KindName, Unit } from '../../protocol/kinds/registry.ts';
import type { UnitContext } from '../kinds/kind.ts';
import type { Jobs, QueuedJob } from './jobs.ts';
import type { Kinds } from './lease.ts';
import type { TabProfile } from './tab.ts';

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

  /** Calls `use` with the next unit for a tab, or with null when there is none it can run. */
  async with<T>(
    tab: TabProfile,
    context: UnitContext,
    use: (next: NextUnit | null) => Promise<T>,
  ): Promise<T> {
    const job = tab.able.has('infer')
      ? await this.#jobs.oldest(tab.account, this.#jobs.modelNames(tab.models), this.#reserved)
      : null;
    if (job !== null && !this.#reserved.has(job.id)) return await this.#withJob(job, use);
    const unit = await this.#standing(tab, context);
    return await use(unit === null ? null : { unit, job: null });
  }

  /** Standing work; a hash unit where the one of this `seq` needs a model that the tab has not ready. */
  async #standing({ able, models }: TabProfile, context: UnitContext): Promise<Unit | null> {
    const kind = standingKind(able, context.seq);
    const unit = kind === null ? null : await this.#kinds.nextUnit(kind, context);
    const ready = unit?.kind !== 'infer' || models.has(toHex(unit.spec.model));
    if (ready) return unit;
    return able.has('hash') ? await this.#kinds.nextUnit('hash', context) : null;
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
