import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import * as v from 'valibot';
import { decodeCbor, encodeCbor } from '../../protocol/cbor.ts';
import { hexToBytes } from '../../protocol/bytes.ts';
import { unitSchema, type Unit } from '../../protocol/kinds/registry.ts';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import { MAX_WORK_MESSAGE_BYTES } from '../../protocol/limits.ts';
import type { Model } from '../../protocol/manifest.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { JobRefusal, JobsApi, JobView } from '../http/jobs-api.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Store, Tx } from '../store/store.ts';
import { checkInputs } from './job-inputs.ts';
import { jobView } from './job-view.ts';

/** Units waiting for a tab; beyond it a requester is told to come back. */
const MAX_QUEUED = 10_000;
/** Accounts that may get a unit wrong before its requester is told that it failed. */
const MAX_ATTEMPTS = 5;

export type QueuedJob = { id: number; unit: Unit };

/** Requesters' units, on disk from the moment they are taken until their retention ends. */
export class Jobs extends EventEmitter implements JobsApi {
  readonly #store: Store;
  readonly #ledger: Ledger;
  readonly #validator: PeerId;
  readonly #models: readonly Model[];

  constructor(options: { store: Store; ledger: Ledger; validator: PeerId; models: readonly Model[] }) {
    super();
    this.setMaxListeners(0);
    this.#store = options.store;
    this.#ledger = options.ledger;
    this.#models = options.models;
    this.#validator = options.validator;
  }

  async submit(modelName: string, inputs: Tensor[]): Promise<Outcome<{ id: string }, JobRefusal>> {
    const model = this.#models.find(({ name, sha256 }) => name === modelName || sha256 === modelName);
    if (model === undefined) return fail('UNKNOWN_MODEL', `There is no model ${modelName} in the catalogue.`);
    const fits = checkInputs(model, inputs);
    if (!fits.ok) return fits;
    const unit: Unit = {
      kind: 'infer',
      spec: { model: hexToBytes(model.sha256) },
      input: { tensors: inputs },
    };
    const bytes = encodeCbor(unit);
    // The lease around it takes less than a kilobyte.
    if (bytes.length > MAX_WORK_MESSAGE_BYTES - 1024)
      return fail('TOO_LARGE', 'The inputs do not fit one message.');
    const name = randomBytes(16).toString('hex');
    const taken = await this.#store.write(async (tx) => {
      const { queued } = await tx
        .selectFrom('jobs')
        .select((eb) => eb.fn.countAll<number>().as('queued'))
        .where('state', '=', 'queued')
        .where('validator', '=', this.#validator)
        .executeTakeFirstOrThrow();
      if (queued >= MAX_QUEUED) return false;
      await tx
        .insertInto('jobs')
        .values({
          validator: this.#validator,
          name,
          model: model.name,
          kind: unit.kind,
          unit: bytes,
          state: 'queued',
          created_at_ms: Date.now(),
        })
        .execute();
      return true;
    });
    if (!taken) return fail('BUSY', `${MAX_QUEUED} jobs are waiting; try again later.`);
    this.emit('queued');
    return ok({ id: name });
  }

  get(name: string): Promise<JobView | null> {
    return jobView(this.#store, this.#ledger, name);
  }

  /** Resolves when the job may have moved on, or after `ms`. */
  async changed(ms: number): Promise<void> {
    // Timers of signals take whole milliseconds only; what is left of a long poll is none.
    await once(this, 'changed', { signal: AbortSignal.timeout(Math.ceil(ms)) }).catch(() => undefined);
  }

  /** Names of the catalogue's models among these hashes (hex). */
  modelNames(ready: ReadonlySet<string>): string[] {
    return this.#models.filter(({ sha256 }) => ready.has(sha256)).map(({ name }) => name);
  }

  /** The oldest waiting unit, now leased to `taskId`. Call inside a write. */
  async take(tx: Tx, id: number, taskId: Uint8Array): Promise<boolean> {
    const { numUpdatedRows } = await tx
      .updateTable('jobs')
      .set({ state: 'leased', task_id: taskId })
      .where('id', '=', id)
      .where('state', '=', 'queued')
      .executeTakeFirst();
    return numUpdatedRows === 1n;
  }

  /**
   * The oldest waiting unit that a tab of `account` with these models (by name) may have: not one it got wrong before, and
   * none of `except`. Null when there is none.
   */
  async oldest(
    account: AccountId,
    models: readonly string[],
    except: ReadonlySet<number>,
  ): Promise<QueuedJob | null> {
    if (models.length === 0) return null;
    let query = this.#store.db
      .selectFrom('jobs')
      .select(['id', 'unit'])
      .where('validator', '=', this.#validator)
      .where('state', '=', 'queued')
      .where('model', 'in', models)
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('job_refusals')
              .select('job')
              .whereRef('job', '=', 'jobs.id')
              .where('account', '=', account),
          ),
        ),
      );
    if (except.size > 0) query = query.where('id', 'not in', [...except]);
    const row = await query.orderBy('id').limit(1).executeTakeFirst();
    if (row === undefined) return null;
    const decoded = decodeCbor(row.unit);
    const parsed = v.safeParse(unitSchema, decoded.ok ? decoded.value : null);
    if (!parsed.success) throw new Error(`jobs: unit ${row.id} cannot be read`);
    return { id: row.id, unit: parsed.output };
  }

  /** The unit of a leased job, for a lease that outlived a restart. */
  async unitOf(id: number): Promise<Unit | null> {
    const row = await this.#store.db
      .selectFrom('jobs')
      .select('unit')
      .where('id', '=', id)
      .executeTakeFirst();
    const decoded = row === undefined ? null : decodeCbor(row.unit);
    const parsed = v.safeParse(unitSchema, decoded?.ok === true ? decoded.value : null);
    return parsed.success ? parsed.output : null;
  }

  /** Back into the queue, because its lease ended without a result. Call inside a write. */
  async requeue(tx: Tx, id: number): Promise<void> {
    await tx
      .updateTable('jobs')
      .set({ state: 'queued', task_id: null })
      .where('id', '=', id)
      .where('state', '=', 'leased')
      .execute();
  }

  /**
   * An account got it wrong and does not get it again; after MAX_ATTEMPTS accounts its requester is told that it failed.
   * Counted by account, so that one bad tab cannot fail a job by itself. Call inside a write.
   */
  async refused(tx: Tx, id: number, account: AccountId): Promise<void> {
    await tx
      .insertInto('job_refusals')
      .values({ job: id, account })
      .onConflict((oc) => oc.doNothing())
      .execute();
    const { count } = await tx
      .selectFrom('job_refusals')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('job', '=', id)
      .executeTakeFirstOrThrow();
    await tx
      .updateTable('jobs')
      .set({ state: count >= MAX_ATTEMPTS ? 'failed' : 'queued', attempts: count, task_id: null })
      .where('id', '=', id)
      .where('state', '=', 'leased')
      .execute();
  }

  /** Done. Call inside the write that accepts the result. */
  async finish(tx: Tx, id: number, taskId: Uint8Array, body: Uint8Array): Promise<void> {
    await tx
      .updateTable('jobs')
      .set({ state: 'done', body })
      .where('id', '=', id)
      .where('task_id', '=', taskId)
      .execute();
  }
}
