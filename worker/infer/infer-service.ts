import type { Model } from '../../protocol/manifest.ts';
import { errorText, fail, ok, type Failure, type Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { AdapterReport, ModelReport, WorkerEvent, WorkerProblem } from '../contract.ts';
import { openChunkCache, type ChunkCache } from './chunk-cache.ts';
import { loadModel } from './model-store.ts';
import { chooseBuild, hasJspi, loadRuntime, type Runtime } from './runtime.ts';
import { passesBattery } from './battery/session.ts';
import { Session, type InferProvider, type Ran, type SessionDeps } from './session.ts';
import { checkTensors } from './tensors.ts';

/**
 * On a software adapter WebGPU takes tens of times longer than WebAssembly (seconds for a small network), so only
 * models this cheap are measured there; `tried` says so.
 */
const SOFTWARE_WEBGPU_MAX_FLOPS = 1_000_000;

export type InferServiceDeps = {
  gpu: GPU | undefined;
  /** The adapter as it is now. */
  adapter: () => AdapterReport;
  emit: (event: WorkerEvent) => void;
};

/** A model that is ready: how it was measured, and the session that runs it. */
type Prepared = { model: Model; url: string; report: ModelReport; session: Session };

/** Fetches models, chooses their provider by measuring, runs them, and replaces sessions that broke. */
export class InferService {
  readonly #deps: InferServiceDeps;
  readonly #closing = new AbortController();
  readonly #models = new Map<string, Prepared>();
  #runtime: Promise<Runtime> | null = null;
  #cache: Promise<ChunkCache> | null = null;
  /** The last preparation of each model. */
  readonly #preparing = new Map<string, Promise<unknown>>();
  /** onnxruntime runs one thing at a time, whatever session it is for. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(deps: InferServiceDeps) {
    this.#deps = deps;
  }

  /** As GridWorker.prepare. Calls for one model wait for each other, so that the second finds it ready. */
  prepare(model: Model, url: string, forced?: InferProvider): Promise<Outcome<ModelReport, WorkerProblem>> {
    const before = this.#preparing.get(model.sha256) ?? Promise.resolve();
    const result = before.then(() => this.#prepareNext(model, url, forced));
    this.#preparing.set(
      model.sha256,
      result.catch(() => undefined),
    );
    return result;
  }

  /** Runs a prepared model. A session that fails on the GPU is replaced by a new one, then by WebAssembly. */
  run(
    sha256: string,
    inputs: readonly Tensor[],
    signal: AbortSignal,
  ): Promise<Outcome<Ran & { provider: InferProvider }, WorkerProblem>> {
    return this.#exclusive(async () => {
      const prepared = this.#models.get(sha256);
      if (prepared === undefined) return fail('UNSUPPORTED', 'the model of this unit is not prepared');
      const checked = checkTensors(inputs, prepared.model.inputs);
      if (!checked.ok) return checked;
      for (let replaced = 0; ; replaced++) {
        if (signal.aborted) return fail('ABORTED', 'the unit was cancelled');
        const { session } = prepared;
        const ran = await session.run(inputs);
        if (signal.aborted) return fail('ABORTED', 'the unit was cancelled');
        if (ran.ok) return ok({ ...ran.value, provider: session.provider });
        if (session.provider === 'wasm') return ran;
        const next = await this.#replace(prepared, replaced === 0 ? 'webgpu' : 'wasm', ran);
        if (!next.ok) return next;
      }
    });
  }

  /** Deletes stored chunks of all other models. */
  async keepModels(models: readonly Model[]): Promise<void> {
    this.#cache ??= openChunkCache();
    await (await this.#cache).keepOnly(new Set(models.flatMap(({ chunks }) => chunks)));
  }

  /** Waits for the run in progress and frees everything. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#exclusive(async () => {
      for (const { session } of this.#models.values()) await session.release();
      this.#models.clear();
    });
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #prepareNext(
    model: Model,
    url: string,
    forced: InferProvider | undefined,
  ): Promise<Outcome<ModelReport, WorkerProblem>> {
    const before = this.#models.get(model.sha256);
    if (before !== undefined && (forced === undefined || before.session.provider === forced)) {
      return ok(before.report);
    }
    const adapter = this.#deps.adapter();
    if (forced === 'webgpu' && adapter.class === 'none') {
      return fail('UNSUPPORTED', `no WebGPU: ${adapter.problem ?? 'no adapter'}`);
    }
    // Not in the queue: units of other models run on while this one is fetched.
    const [file, runtime] = await Promise.all([this.#file(model, url), this.#loadRuntime()]);
    if (!file.ok) return file;
    if (!runtime.ok) return runtime;
    return this.#exclusive(async () => {
      const fastest = await this.#fastest(
        model,
        file.value,
        runtime.value,
        candidates(model, adapter, forced),
      );
      if (!fastest.ok) return fastest;
      await before?.session.release();
      this.#models.set(model.sha256, { model, url, ...fastest.value });
      return ok(fastest.value.report);
    });
  }

  /** Opens and measures the candidates; the fastest stays open, the others are released. */
  async #fastest(
    model: Model,
    file: Uint8Array,
    runtime: Runtime,
    providers: Candidate[],
  ): Promise<Outcome<Pick<Prepared, 'session' | 'report'>, WorkerProblem>> {
    const tried: ModelReport['tried'] = [];
    let best: { session: Session; warmMs: number } | null = null;
    let failure: Failure<WorkerProblem> = fail('RUNTIME_FAILED', `${model.name} has no provider to run on`);
    for (const { provider, skip } of providers) {
      if (this.#closing.signal.aborted) break;
      if (skip !== undefined) {
        tried.push({ provider, problem: skip });
        continue;
      }
      const measured = await this.#open(model, file, provider, runtime);
      if (!measured.ok) {
        failure = measured;
        tried.push({ provider, problem: measured.message });
        continue;
      }
      tried.push({ provider, warmMs: measured.value.warmMs });
      if (best === null || measured.value.warmMs < best.warmMs) {
        await best?.session.release();
        best = measured.value;
      } else await measured.value.session.release();
    }
    if (this.#closing.signal.aborted) {
      await best?.session.release();
      return fail('ABORTED', 'the worker was closed');
    }
    if (best === null) return failure;
    // Told only where work goes on; a model without any provider is the caller's failure.
    for (const { provider, problem } of tried.filter((_, i) => providers[i]?.skip === undefined)) {
      if (problem !== undefined)
        this.#problem(failure.code, `${problem}; ${model.name} does not use ${provider}`, true);
    }
    return ok({
      session: best.session,
      report: {
        sha256: model.sha256,
        provider: best.session.provider,
        ...(runtime.report === null ? {} : { runtime: runtime.report }),
        tried,
      },
    });
  }

  /** A session that passed its known answer, and the milliseconds of one warm run. */
  async #open(
    model: Model,
    file: Uint8Array,
    provider: InferProvider,
    runtime: Runtime,
  ): Promise<Outcome<{ session: Session; warmMs: number }, WorkerProblem>> {
    const name = provider === 'webgpu' ? 'WebGPU' : 'WebAssembly';
    this.#deps.emit({ type: 'step', text: `Compiling and checking ${model.name} for ${name}` });
    const deps: SessionDeps = {
      runtime,
      gpu: this.#deps.gpu,
      onGpuError: (message) => this.#problem('RUNTIME_FAILED', `WebGPU: ${message}`, true),
    };
    if (model.tolerance.class === 'E') {
      const exact = await passesBattery(provider, deps);
      if (!exact.ok) return fail(exact.code, `${model.name} on ${name}: ${exact.message}`);
    }
    const opened = await Session.open(model, file, provider, deps);
    if (!opened.ok) return opened;
    const session = opened.value;
    const checked = await session.check(model);
    if (checked.ok) return ok({ session, warmMs: checked.value });
    await session.release();
    return fail(checked.code, `${model.name} on ${name}: ${checked.message}`);
  }

  /** Gives a model a new session in the place of one that broke; without one the model is no longer ready. */
  async #replace(
    prepared: Prepared,
    provider: InferProvider,
    broken: { code: WorkerProblem; message: string },
  ): Promise<Outcome<void, WorkerProblem>> {
    this.#problem(broken.code, `${broken.message}; starting the model again`, true);
    await prepared.session.release();
    const next = await this.#openAgain(prepared, provider);
    if (!next.ok) {
      // The released session must not be run again; preparing the model anew is the way back.
      const { sha256 } = prepared.model;
      this.#models.delete(sha256);
      if (next.code !== 'ABORTED') this.#deps.emit({ type: 'model-lost', sha256, message: next.message });
      return next;
    }
    prepared.session = next.value.session;
    prepared.report = { ...prepared.report, provider: next.value.session.provider };
    return ok(undefined);
  }

  async #openAgain(
    { model, url }: Prepared,
    provider: InferProvider,
  ): Promise<Outcome<{ session: Session }, WorkerProblem>> {
    const [file, runtime] = await Promise.all([this.#file(model, url), this.#loadRuntime()]);
    if (!file.ok) return file;
    if (!runtime.ok) return runtime;
    const next = await this.#open(model, file.value, provider, runtime.value);
    return !next.ok && provider === 'webgpu'
      ? await this.#open(model, file.value, 'wasm', runtime.value)
      : next;
  }

  async #file(model: Model, url: string): Promise<Outcome<Uint8Array<ArrayBuffer>, WorkerProblem>> {
    this.#cache ??= openChunkCache();
    return loadModel(model, url, this.#closing.signal, {
      // Not passed as a bare reference: fetch insists on its global as `this`.
      fetch: (input, init) => fetch(input, init),
      cache: await this.#cache,
      emit: this.#deps.emit,
    });
  }

  async #loadRuntime(): Promise<Outcome<Runtime, WorkerProblem>> {
    const webgpu = this.#deps.adapter().class !== 'none';
    this.#runtime ??= loadRuntime(chooseBuild({ webgpu, jspi: hasJspi() }));
    try {
      return ok(await this.#runtime);
    } catch (error) {
      this.#runtime = null;
      return fail('RUNTIME_FAILED', `the inference runtime cannot be fetched: ${errorText(error)}`);
    }
  }

  #problem(code: WorkerProblem, message: string, recovered: boolean): void {
    this.#deps.emit({ type: 'problem', code, message, recovered });
  }
}

/** A provider to try, or why it is not tried. */
type Candidate = { provider: InferProvider; skip?: string };

/** Providers to try, or why not. WebAssembly first: it is there when WebGPU fails. */
function candidates(model: Model, adapter: AdapterReport, forced: InferProvider | undefined): Candidate[] {
  if (forced !== undefined) return [{ provider: forced }];
  if (adapter.class === 'none') return [{ provider: 'wasm' }];
  if (adapter.class === 'software' && model.flops > SOFTWARE_WEBGPU_MAX_FLOPS) {
    return [
      { provider: 'wasm' },
      { provider: 'webgpu', skip: 'not measured: a software adapter is far slower than WebAssembly' },
    ];
  }
  return [{ provider: 'wasm' }, { provider: 'webgpu' }];
}
