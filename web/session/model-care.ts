import { toHex } from '../../protocol/bytes.ts';
import type { Unit } from '../../protocol/kinds/registry.ts';
import type { Model } from '../../protocol/manifest.ts';
import { errorText, fail, type Outcome } from '../../protocol/outcome.ts';
import type { ModelReport, TaskDone } from '../../worker/contract.ts';
import { waitFor } from '../peer/backoff.ts';
import type { PoolProblem } from '../pool/pool.ts';
import type { StateStore } from '../state/store.ts';
import { modelUrl, type LoadedManifest } from './manifest.ts';
import { withinBudget } from './model-budget.ts';
import { prepareModels } from './models.ts';
import { providerFor, type PageOptions } from './options.ts';
import { problemOf, workerProblem } from './problems.ts';
import type { PoolLike } from './run.ts';
import { setStep } from './steps.ts';

/** Units of one model that fail in a row before it counts as broken here: one may be the unit's own fault. */
const MAX_FAILURES = 3;
/** A model that broke is prepared anew after this: drivers and memory recover, or they do not. */
const REPAIR_WAIT_MS = 60_000;
/** How often in one run; a model that keeps breaking is left to other tabs. */
const MAX_REPAIRS = 3;

export type ModelCareDeps = {
  pool: Pick<PoolLike, 'prepare' | 'keepModels'>;
  state: StateStore;
  options: PageOptions;
  loaded: () => LoadedManifest;
  signal: AbortSignal;
  /** Fires `online` when the network is back. */
  network: EventTarget;
  /** The models that are ready are others than before: the validator has to hear of it. */
  onChange: () => void;
  repairWaitMs?: number;
};

/** Which models this tab can run: fetched once, watched while they run, and repaired where they break. */
export class ModelCare {
  readonly #deps: ModelCareDeps;
  #ready: readonly ModelReport[] = [];
  #wanted: readonly Model[] = [];
  readonly #failures = new Map<string, number>();
  readonly #repairs = new Map<string, number>();

  constructor(deps: ModelCareDeps) {
    this.#deps = deps;
  }

  /** The models that are ready to run; another array after every change. */
  get ready(): readonly ModelReport[] {
    return this.#ready;
  }

  /** Why a unit cannot be run as things are, or null when it can. */
  unable(unit: Unit): string | null {
    if (unit.kind !== 'infer') return null;
    const sha256 = toHex(unit.spec.model);
    return this.#ready.some((report) => report.sha256 === sha256) ? null : 'its model is not ready here';
  }

  /** Fetches and checks what the manifest lists, one after the other. Never rejects. */
  async prepareAll(models: readonly Model[]): Promise<void> {
    const { state, signal, pool } = this.#deps;
    setStep(state, 'models', 'active');
    try {
      const { taken, left } = withinBudget(models);
      this.#wanted = taken;
      if (left.length > 0) {
        state.addProblem(problemOf('MODELS_LEFT_OUT', left.map(({ name }) => name).join(', ')));
      }
      await this.#prepare(taken);
      if (signal.aborted) return;
      const status = this.#ready.length > 0 || taken.length === 0 ? 'done' : 'failed';
      setStep(state, 'models', status, `${this.#ready.length} of ${models.length} ready`);
      await pool.keepModels(taken);
    } catch (error) {
      if (signal.aborted) return;
      setStep(state, 'models', 'failed', errorText(error));
      state.addProblem(problemOf('PAGE_FAILED', errorText(error)));
    }
  }

  /** A model was prepared again by a new worker, or could not be. */
  prepared(sha256: string, outcome: Outcome<ModelReport, PoolProblem>): void {
    if (outcome.ok) this.#put(outcome.value);
    else this.lost(sha256, outcome.message);
  }

  /** Counts how units end: a model that keeps failing is taken off the list, so that other work goes on undisturbed. */
  ran(unit: Unit, outcome: Outcome<TaskDone, PoolProblem>): void {
    if (unit.kind !== 'infer') return;
    const sha256 = toHex(unit.spec.model);
    if (outcome.ok) this.#failures.delete(sha256);
    else if (outcome.code !== 'ABORTED') {
      const failures = (this.#failures.get(sha256) ?? 0) + 1;
      this.#failures.set(sha256, failures);
      if (failures >= MAX_FAILURES) this.lost(sha256, outcome.message);
    }
  }

  /** A model can no longer be run. It is tried again after a while. */
  lost(sha256: string, message: string): void {
    const { state, signal } = this.#deps;
    if (signal.aborted || !this.#ready.some((report) => report.sha256 === sha256)) return;
    this.#failures.delete(sha256);
    const model = this.#wanted.find((wanted) => wanted.sha256 === sha256);
    state.addProblem(problemOf('MODEL_LOST', `${model?.name ?? sha256}: ${message}`));
    this.#set(this.#ready.filter((report) => report.sha256 !== sha256));
    if (model !== undefined) void this.#repair(model);
  }

  async #repair(model: Model): Promise<void> {
    const { signal, network, repairWaitMs = REPAIR_WAIT_MS } = this.#deps;
    const repairs = (this.#repairs.get(model.sha256) ?? 0) + 1;
    if (repairs > MAX_REPAIRS) return;
    this.#repairs.set(model.sha256, repairs);
    await waitFor(repairWaitMs, signal, { target: network, event: 'online' });
    if (!signal.aborted) await this.#prepare([model]);
  }

  async #prepare(models: readonly Model[]): Promise<void> {
    const { pool, options, state, signal, network, loaded } = this.#deps;
    await prepareModels({
      models,
      prepare: async (model) => {
        const url = modelUrl(loaded(), model.sha256);
        return url === null
          ? fail('UNSUPPORTED', 'the manifest gives no address for it')
          : await pool.prepare(model, url, providerFor(options, model.name));
      },
      onReady: (report) => this.#put(report),
      onFailure: (model, code, message) => state.addProblem(workerProblem(code, `${model.name}: ${message}`)),
      signal,
      network,
    });
  }

  #put(report: ModelReport): void {
    const others = this.#ready.filter(({ sha256 }) => sha256 !== report.sha256);
    this.#set([...others, report]);
    if (this.#ready.length === this.#wanted.length) this.#deps.state.clearProblem('MODEL_LOST');
  }

  #set(ready: readonly ModelReport[]): void {
    this.#ready = ready;
    this.#deps.state.update({ models: [...ready] });
    this.#deps.onChange();
  }
}
