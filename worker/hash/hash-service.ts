import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Provider } from '../../protocol/messages.ts';
import { sleep } from '../abort.ts';
import type { AdapterReport, OpenOptions, OpenReport, WorkerEvent, WorkerProblem } from '../contract.ts';
import { noAdapter } from '../gpu/adapter.ts';
import { openGpu, type Gpu } from '../gpu/device.ts';
import { GpuEngine } from '../gpu/gpu-engine.ts';
import { HASH_DEVICE } from '../gpu/kernel.ts';
import { LossPolicy } from '../gpu/loss-policy.ts';
import { runBurst, type BurstOptions } from './burst.ts';
import { CpuEngine } from './cpu-engine.ts';
import type { HashEngine } from './engine.ts';
import type { HashJob } from './job.ts';
import { checkKnownAnswers, measureRate } from './known-answers.ts';

/** Long enough for slices to settle on a fast GPU, short enough not to be waited for. */
const MEASURE_MS = 300;

/** An engine that passed its known answers, and the device it runs on. */
type Running = { engine: HashEngine; gpu: Gpu | null; checks: number };

export type HashServiceDeps = {
  /** `navigator.gpu`, where there is one. */
  gpu: GPU | undefined;
  emit: (event: WorkerEvent) => void;
};

/** Keeps a checked hash engine running: on the GPU, on the next device after a loss, else on the CPU. */
export class HashService {
  readonly #deps: HashServiceDeps;
  readonly #options: OpenOptions;
  readonly #losses = new LossPolicy();
  readonly #closing = new AbortController();
  #running: Promise<Outcome<Running, WorkerProblem>>;
  #adapter: AdapterReport = noAdapter('not opened');
  /** What an engine did last, in hashes per second. */
  #rate: { engine: HashEngine; hashesPerSecond: number } | null = null;
  /** Fires when a burst takes the engine from the search that runs. */
  #turn = new AbortController();
  /** The searches and bursts under way, one after the other. */
  #queue: Promise<unknown> = Promise.resolve();
  #bursting: Promise<unknown> | null = null;

  constructor(options: OpenOptions, deps: HashServiceDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#running = this.#start();
  }

  /** The adapter as it is now. */
  get adapter(): AdapterReport {
    return this.#adapter;
  }

  /** Waits for the checks and measures the rate. */
  async open(): Promise<Outcome<OpenReport, WorkerProblem>> {
    for (;;) {
      const running = await this.#running;
      if (!running.ok) return running;
      const { engine, checks } = running.value;
      this.#deps.emit({ type: 'step', text: 'Measuring the hash rate' });
      const rate = await measureRate(engine, MEASURE_MS, this.#closing.signal);
      if (rate.ok) {
        this.#rate = { engine, hashesPerSecond: rate.value };
        return ok({
          adapter: this.#adapter,
          hash: { provider: engine.provider, hashesPerSecond: rate.value, checks },
        });
      }
      if (rate.code !== 'DEVICE_LOST') return rate;
      // Ends: each loss is counted, and without a device the CPU engine cannot lose one.
      await running.value.gpu?.lost;
    }
  }

  /**
   * As HashEngine.search. After a lost device the job is run once more on what replaces it; after a burst that came in
   * between it begins again.
   */
  async search(
    job: HashJob,
    signal: AbortSignal,
    onHashes: (count: number) => void,
  ): Promise<Outcome<{ nonces: number[]; provider: Provider }, WorkerProblem>> {
    for (let losses = 0; ;) {
      await this.#bursting;
      const running = await this.#running;
      if (!running.ok) return running;
      const { engine, gpu } = running.value;
      const turn = this.#turn.signal;
      const searching = engine.search(job, AbortSignal.any([signal, turn]), onHashes);
      this.#queue = searching;
      const beganMs = performance.now();
      const found = await searching;
      if (found.ok) {
        this.#learn(engine, job.nonceCount, performance.now() - beganMs);
        return ok({ nonces: found.value, provider: engine.provider });
      }
      if (found.code === 'ABORTED' && turn.aborted && !signal.aborted) continue;
      if (found.code !== 'DEVICE_LOST' || ++losses > 1) return found;
      // The replacement is under way once the loss is known.
      await gpu?.lost;
    }
  }

  /**
   * A timed burst over `preimage` (burst.ts), its shares packed. A search that runs makes room for it and begins again
   * afterwards, so that the burst has the engine to itself.
   */
  async burst(
    preimage: Uint8Array,
    options: Omit<BurstOptions, 'hashesPerSecond'>,
    signal: AbortSignal,
    onHashes: (count: number) => void,
  ): Promise<Outcome<Uint8Array, WorkerProblem>> {
    if (this.#bursting !== null) return fail('UNSUPPORTED', 'another burst is running');
    const bursting = this.#burst(
      preimage,
      options,
      AbortSignal.any([signal, this.#closing.signal]),
      onHashes,
    );
    this.#bursting = bursting.catch(() => undefined);
    this.#turn.abort();
    try {
      return await bursting;
    } finally {
      this.#turn = new AbortController();
      this.#bursting = null;
    }
  }

  async #burst(
    preimage: Uint8Array,
    options: Omit<BurstOptions, 'hashesPerSecond'>,
    signal: AbortSignal,
    onHashes: (count: number) => void,
  ): Promise<Outcome<Uint8Array, WorkerProblem>> {
    const running = await this.#running;
    if (!running.ok) return running;
    await this.#queue.catch(() => undefined);
    const { engine } = running.value;
    if (this.#rate?.engine !== engine) {
      // The engine replaced another one since the rate was measured.
      const rate = await measureRate(engine, MEASURE_MS, signal);
      if (!rate.ok) return rate;
      this.#rate = { engine, hashesPerSecond: rate.value };
    }
    const { hashesPerSecond } = this.#rate;
    return runBurst(engine, preimage, { ...options, hashesPerSecond }, signal, onHashes);
  }

  #learn(engine: HashEngine, hashes: number, elapsedMs: number): void {
    // A short search is mostly waiting.
    if (elapsedMs >= MEASURE_MS) this.#rate = { engine, hashesPerSecond: (hashes * 1000) / elapsedMs };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const running = await this.#running;
    if (!running.ok) return;
    running.value.engine.destroy();
    running.value.gpu?.destroy();
  }

  async #start(): Promise<Outcome<Running, WorkerProblem>> {
    const onGpu = this.#options.adapter === 'none' ? null : await this.#startOnGpu();
    if (onGpu !== null) return onGpu;
    if (this.#options.adapter === 'none') this.#adapter = noAdapter('WebGPU is switched off');
    return this.#startOnCpu();
  }

  /** Null when the CPU has to do; the event why has left by then. */
  async #startOnGpu(): Promise<Outcome<Running, WorkerProblem> | null> {
    for (;;) {
      this.#deps.emit({ type: 'step', text: 'Looking for a GPU' });
      const opened = await openGpu(this.#deps.gpu, HASH_DEVICE, (message) =>
        this.#problem('RUNTIME_FAILED', `WebGPU: ${message}`),
      );
      if (!opened.ok) {
        this.#adapter = noAdapter(opened.message);
        this.#problem('WEBGPU_MISSING', `${opened.message}; hashing goes on on the CPU`);
        return null;
      }
      const gpu = opened.value;
      this.#adapter = gpu.adapter;
      const started = await this.#check(gpu);
      if (this.#closing.signal.aborted) {
        gpu.destroy();
        return fail('ABORTED', 'the worker was closed');
      }
      if (started.ok) {
        void gpu.lost.then((reason) => this.#onLost(started.value, reason));
        return started;
      }
      if (started.code !== 'DEVICE_LOST') {
        gpu.destroy();
        this.#problem(started.code, `${started.message}; hashing goes on on the CPU`);
        return null;
      }
      if (!(await this.#mayRetry(started.message))) return null;
    }
  }

  async #check(gpu: Gpu): Promise<Outcome<Running, WorkerProblem>> {
    this.#deps.emit({ type: 'step', text: 'Compiling and checking the hash kernel' });
    const engine = await GpuEngine.create(gpu, { sliceMs: this.#options.sliceMs });
    if (!engine.ok) return engine;
    const checks = await checkKnownAnswers(engine.value, this.#closing.signal);
    if (checks.ok) return ok({ engine: engine.value, gpu, checks: checks.value });
    engine.value.destroy();
    return checks;
  }

  #onLost(lost: Running, reason: string): void {
    if (this.#closing.signal.aborted) return;
    lost.engine.destroy();
    this.#running = this.#replace(reason);
  }

  async #replace(reason: string): Promise<Outcome<Running, WorkerProblem>> {
    const running = (await this.#mayRetry(reason)) ? await this.#start() : await this.#startOnCpu();
    this.#deps.emit({ type: 'adapter', adapter: this.#adapter });
    return running;
  }

  async #startOnCpu(): Promise<Outcome<Running, WorkerProblem>> {
    const engine = new CpuEngine();
    const checks = await checkKnownAnswers(engine, this.#closing.signal);
    return checks.ok ? ok({ engine, gpu: null, checks: checks.value }) : checks;
  }

  /** Reports a loss and waits as the policy says; false when WebGPU is given up. */
  async #mayRetry(reason: string): Promise<boolean> {
    const delayMs = this.#losses.delayAfterLoss(performance.now());
    if (delayMs === null) {
      const message = 'the GPU was lost several times; reload the page to try it again';
      this.#adapter = noAdapter(message);
      this.#problem('DEVICE_LOST', `${message}. Hashing goes on on the CPU. (${reason})`);
      return false;
    }
    this.#problem('DEVICE_LOST', `${reason}; asking for a new device`);
    await sleep(delayMs, this.#closing.signal);
    return true;
  }

  #problem(code: WorkerProblem, message: string): void {
    this.#deps.emit({ type: 'problem', code, message, recovered: true });
  }
}
