import { equalBytes } from '../protocol/bytes.ts';
import { HEADER_BYTES, ROOT_OFFSET } from '../protocol/header.ts';
import { digestOf, type KindName } from '../protocol/kinds/registry.ts';
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
/** A call that can be cancelled, by the id of its task or burst. */
type Call = { id: Uint8Array; controller: AbortController; ended: Promise<unknown> };
const NOT_OPEN = fail('UNSUPPORTED', 'the worker is not open');

/** The worker behind its contract: one unit at a time, and nothing thrown across to the page. */
export class GridWorkerHost implements GridWorker {
  readonly #gpu: GPU | undefined;
  #opened: Opened | null = null;
  #current: (Call & { kind: KindName }) | null = null;
  #burst: Call | null = null;

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
    this.#current = { id: task.taskId, kind: task.unit.kind, controller, ended: running };
    const result = await running;
    this.#current = null;
    return result;
  }

  async burst(
    preimage: Uint8Array,
    durationMs: number,
    keep: number,
  ): Promise<Outcome<Uint8Array, WorkerProblem>> {
    const opened = this.#opened;
    if (opened === null) return NOT_OPEN;
    if (this.#burst !== null) return fail('UNSUPPORTED', 'another burst is running');
    if (preimage.length !== HEADER_BYTES) return fail('UNSUPPORTED', 'the preimage is not 80 bytes');
    const controller = new AbortController();
    const running = this.#guard(async () => {
      // Only a hash search can be put aside and taken up again.
      if (this.#current !== null && this.#current.kind !== 'hash') await this.#current.ended;
      if (controller.signal.aborted) return fail('ABORTED', 'the burst was cancelled');
      return opened.hash.burst(preimage, { durationMs, keep }, controller.signal, opened.onHashes);
    });
    this.#burst = { id: preimage.slice(ROOT_OFFSET, ROOT_OFFSET + 32), controller, ended: running };
    const result = await running;
    this.#burst = null;
    return result;
  }

  cancel(taskId: Uint8Array): Promise<void> {
    for (const call of [this.#current, this.#burst]) {
      if (call !== null && equalBytes(call.id, taskId)) call.controller.abort();
    }
    return Promise.resolve();
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = null;
    if (opened === null) return;
    this.#current?.controller.abort();
    this.#burst?.controller.abort();
    await Promise.all([this.#current?.ended, this.#burst?.ended, opened.hash.close(), opened.infer.close()]);
  }

  async #run(
    opened: Opened,
    task: WorkerTask,
    signal: AbortSignal,
  ): Promise<Outcome<TaskDone, WorkerProblem>> {
    await this.#burst?.ended;
    if (signal.aborted) return fail('ABORTED', 'the unit was cancelled');
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
