import { errorText, fail, ok, type Failure, type Outcome } from '../../protocol/outcome.ts';
import type { WorkerProblem } from '../contract.ts';
import { searchBySweep, type Collector, type HashEngine, type Range } from '../hash/engine.ts';
import { aimAt, jobWords, type HashJob } from '../hash/job.ts';
import { sleep, whenAborted } from '../abort.ts';
import type { Gpu } from './device.ts';
import {
  compileSearch,
  DEFAULT_FORM,
  MAX_WORKGROUPS,
  noncesPerWorkgroup,
  type KernelForm,
} from './kernel.ts';
import { SlicePlanner } from './slice-planner.ts';
import { Slot } from './slot.ts';

/** Slices in flight: one runs while the other's hits are read. More would only lengthen cancelling. */
const DEPTH = 2;
/** Hits one slice can list. Units are sized for about 16 shares in all, and an overflow costs a second run only. */
const HIT_CAPACITY = 1024;
/** First slice, in workgroups: a few milliseconds on a software adapter. */
const FIRST_WORKGROUPS = 4;

/** How long the news of a lost device may trail the reads it broke. */
const LOSS_NEWS_MS = 200;

export type GpuEngineOptions = { sliceMs: number; form?: KernelForm; hitCapacity?: number };

/** The nonce search on a WebGPU device. Owns its buffers; the device belongs to the caller. */
export class GpuEngine implements HashEngine {
  readonly provider = 'webgpu';
  readonly #gpu: Gpu;
  readonly #slots: Slot[];
  readonly #planner: SlicePlanner;
  /** Slices of an aborted search that the GPU has not finished; their buffers are not free before. */
  #draining: Promise<unknown> = Promise.resolve();
  #overflows = 0;

  private constructor(gpu: Gpu, pipeline: GPUComputePipeline, options: GpuEngineOptions) {
    const form = options.form ?? DEFAULT_FORM;
    const perGroup = noncesPerWorkgroup(form);
    const capacity = options.hitCapacity ?? HIT_CAPACITY;
    this.#gpu = gpu;
    this.#slots = Array.from(
      { length: DEPTH },
      (_, i) => new Slot(gpu.device, pipeline, form, capacity, `hash slot ${i}`),
    );
    this.#planner = new SlicePlanner({
      sliceMs: options.sliceMs,
      initial: FIRST_WORKGROUPS * perGroup,
      max: MAX_WORKGROUPS * perGroup,
    });
  }

  /** Compiles the kernel; RUNTIME_FAILED or DEVICE_LOST with the reason when the device cannot. */
  static async create(gpu: Gpu, options: GpuEngineOptions): Promise<Outcome<GpuEngine, WorkerProblem>> {
    try {
      const pipeline = await compileSearch(gpu.device, options.form ?? DEFAULT_FORM);
      return ok(new GpuEngine(gpu, pipeline, options));
    } catch (error) {
      return fail(
        gpu.isLost() ? 'DEVICE_LOST' : 'RUNTIME_FAILED',
        `the hash kernel did not compile: ${errorText(error)}`,
      );
    }
  }

  /** How often a slice had more hits than its list holds, and was run again in halves. */
  get overflows(): number {
    return this.#overflows;
  }

  search(
    job: HashJob,
    signal: AbortSignal,
    onHashes?: (count: number) => void,
  ): Promise<Outcome<number[], WorkerProblem>> {
    return searchBySweep(this, job, signal, onHashes);
  }

  async sweep(
    job: Omit<HashJob, 'target'>,
    collector: Collector,
    signal: AbortSignal,
    onHashes?: (count: number) => void,
  ): Promise<Outcome<null, WorkerProblem>> {
    await this.#draining;
    if (signal.aborted) return fail('ABORTED', 'the search was cancelled');
    const search = new Search(job, collector, this.#planner, () => this.#overflows++, onHashes);
    const errorsBefore = this.#gpu.errorCount();
    const work = Promise.all(this.#slots.map((slot) => search.lane(slot)));
    this.#draining = work.catch(() => undefined);
    const aborted = whenAborted(signal);
    try {
      const end = await Promise.race([
        work.then(() => 'done' as const),
        this.#gpu.lost.then(() => 'lost' as const),
        aborted.promise.then(() => 'aborted' as const),
      ]);
      if (end === 'lost') return fail('DEVICE_LOST', 'the GPU device was lost during a search');
      if (end === 'aborted') return fail('ABORTED', 'the search was cancelled');
    } catch (error) {
      // A lost device also rejects the pending reads, and may do so before it says that it is lost.
      await Promise.race([this.#gpu.lost, sleep(LOSS_NEWS_MS, signal)]);
      return fail(this.#gpu.isLost() ? 'DEVICE_LOST' : 'RUNTIME_FAILED', errorText(error));
    } finally {
      aborted.dispose();
      search.stop();
    }
    if (search.failure !== null) return search.failure;
    // A dispatch the GPU refused found nothing, which must not pass for a range without shares.
    if (this.#gpu.errorCount() !== errorsBefore)
      return fail('RUNTIME_FAILED', 'the GPU reported an error during a search');
    return ok(null);
  }

  /** The device may go on; slices in flight end by themselves. */
  destroy(): void {
    for (const slot of this.#slots) slot.destroy();
  }
}

/** State of one search, shared by its lanes. */
class Search {
  failure: Failure<WorkerProblem> | null = null;
  readonly #collector: Collector;
  readonly #words: Uint32Array<ArrayBuffer>;
  readonly #planner: SlicePlanner;
  readonly #onOverflow: () => void;
  readonly #onHashes: ((count: number) => void) | undefined;
  /** What is left, as a stack: the halves of an overflowed slice go first. */
  readonly #ranges: Range[];
  #stopped = false;
  #lastDoneMs = 0;

  constructor(
    job: Omit<HashJob, 'target'>,
    collector: Collector,
    planner: SlicePlanner,
    onOverflow: () => void,
    onHashes?: (count: number) => void,
  ) {
    this.#collector = collector;
    this.#words = jobWords({ preimage: job.preimage, target: collector.target });
    this.#planner = planner;
    this.#onOverflow = onOverflow;
    this.#onHashes = onHashes;
    this.#ranges = [{ start: job.nonceStart, count: job.nonceCount }];
  }

  /** No further slices are begun. */
  stop(): void {
    this.#stopped = true;
  }

  /** Runs slices through `slot` until nothing is left. */
  async lane(slot: Slot): Promise<void> {
    for (let range = this.#take(); range !== null; range = this.#take()) {
      const { target } = this.#collector;
      aimAt(this.#words, target);
      const submittedMs = performance.now();
      const { candidates, overflow } = await slot.run(this.#words, range);
      const doneMs = performance.now();
      // With two slices in flight the GPU began this one when it ended the one before.
      if (!overflow) this.#planner.measured(range.count, doneMs - Math.max(submittedMs, this.#lastDoneMs));
      this.#lastDoneMs = doneMs;
      if (this.#stopped) return;
      if (overflow) this.#split(range);
      else this.#keep(range, target, candidates);
    }
  }

  #take(): Range | null {
    const range = this.#stopped || this.#collector.over ? undefined : this.#ranges.pop();
    if (range === undefined) return null;
    const count = this.#planner.next(range.count);
    if (count < range.count) this.#ranges.push({ start: range.start + count, count: range.count - count });
    return { start: range.start, count };
  }

  #split(range: Range): void {
    this.#onOverflow();
    const half = Math.ceil(range.count / 2);
    if (half === range.count) return this.#fail('RUNTIME_FAILED', 'the GPU reported more hits than nonces');
    this.#ranges.push(
      { start: range.start + half, count: range.count - half },
      { start: range.start, count: half },
    );
  }

  #keep(range: Range, target: bigint, candidates: Uint32Array): void {
    this.failure = this.#collector.take(range, target, candidates);
    if (this.failure === null) this.#onHashes?.(range.count);
    else this.stop();
  }

  #fail(code: WorkerProblem, message: string): void {
    this.failure = fail(code, message);
    this.stop();
  }
}
