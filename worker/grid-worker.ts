import { equalBytes } from '../protocol/bytes.ts';
import { digestOf } from '../protocol/kinds/registry.ts';
import type { Model } from '../protocol/manifest.ts';
import { errorText, fail, ok, type Outcome } from '../protocol/outcome.ts';
import type {
  GridWorker,
  ModelReport,
  OpenOptions,
  OpenReport,
  TaskDone,
  WorkerEvent,
  WorkerProblem,
  WorkerTask,
} from './contract.ts';
import { HashMeter } from './hash-meter.ts';
import { HashService } from './hash/hash-service.ts';
import { InferService } from './infer/infer-service.ts';
import { runUnit } from './kinds/registry.ts';
import type { Services } from './kinds/runner.ts';

type Opened = Services & { meter: HashMeter };
const NOT_OPEN = fail('UNSUPPORTED', 'the worker is not open');

/** The worker behind its contract: one unit at a time, and nothing thrown across to the page. */
export class GridWorkerHost implements GridWorker {
  readonly #gpu: GPU | undefined;
  #opened: Opened | null = null;
  #current: { taskId: Uint8Array; controller: AbortController; ended: Promise<unknown> } | null = null;

  /** `gpu` is `navigator.gpu`, where there is one. */
  constructor(gpu: GPU | undefined) {
    this.#gpu = gpu;
  }

  open(
    options: OpenOptions,
    onEvent: (event: WorkerEvent) => void,
  ): Promise<Outcome<OpenReport, WorkerProblem>> {
    return this.#guard(async () => {
      if (this.#opened !== null) return fail('UNSUPPORTED', 'the worker is already open');
      const emit = (event: WorkerEvent): void => onEvent(event);
      const gpu = options.adapter === 'none' ? undefined : this.#gpu;
      const meter = new HashMeter(emit);
      const hash = new HashService(options, { gpu, emit });
      const infer = new InferService({ gpu, adapter: () => hash.adapter, emit });
      this.#opened = { hash, infer, meter, onHashes: (count) => meter.add(count, performance.now()) };
      return hash.open();
    });
  }

  prepare(
    model: Model,
    url: string,
    provider?: 'webgpu' | 'wasm',
  ): Promise<Outcome<ModelReport, WorkerProblem>> {
    return this.#guard(async () => this.#opened?.infer.prepare(model, url, provider) ?? NOT_OPEN);
  }

  async keepModels(models: readonly Model[]): Promise<void> {
    await this.#opened?.infer.keepModels(models);
  }

  async run(task: WorkerTask): Promise<Outcome<TaskDone, WorkerProblem>> {
    const opened = this.#opened;
    if (opened === null) return NOT_OPEN;
    if (this.#current !== null) return fail('UNSUPPORTED', 'another unit is running');
    const controller = new AbortController();
    const running = this.#guard(() => this.#run(opened, task, controller.signal));
    this.#current = { taskId: task.taskId, controller, ended: running };
    const result = await running;
    this.#current = null;
    return result;
  }

  cancel(taskId: Uint8Array): Promise<void> {
    if (this.#current !== null && equalBytes(this.#current.taskId, taskId)) this.#current.controller.abort();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    if (opened === null) return;
    this.#current?.controller.abort();
    await Promise.all([this.#current?.ended, opened.hash.close(), opened.infer.close()]);
  }

  async #run(
    opened: Opened,
    task: WorkerTask,
    signal: AbortSignal,
  ): Promise<Outcome<TaskDone, WorkerProblem>> {
    const beganMs = performance.now();
    opened.meter.begin(beganMs);
    const done = await runUnit(task, opened, signal);
    const endedMs = performance.now();
    opened.meter.flush(endedMs);
    if (!done.ok) return done;
    return ok({ ...done.value, digest: digestOf(done.value.result), elapsedMs: endedMs - beganMs });
  }

  /** What nobody expected becomes a failure with its words; a rejected call would reach the page without a code. */
  async #guard<T>(work: () => Promise<Outcome<T, WorkerProblem>>): Promise<Outcome<T, WorkerProblem>> {
    try {
      return await work();
    } catch (error) {
      return fail('RUNTIME_FAILED', errorText(error));
    }
  }
}
