import { Worker } from 'node:worker_threads';
import type { Model } from '../../../../protocol/manifest.ts';
import { fail, ok, type Outcome } from '../../../../protocol/outcome.ts';
import type { Tensor } from '../../../../protocol/tensor.ts';
import type { Comparison } from '../compare.ts';
import type { Computed, InferClaim } from '../compare-claim.ts';
import type { ModelFile, Reply, Request } from './messages.ts';

export type RecomputeOptions = {
  /** Threads; each holds its own copy of the runtime and of every model it has run. */
  threads?: number;
  /** Requests that may wait. Two hundred of the smaller models are seconds of work; of the largest, a gigabyte. */
  maxQueued?: number;
  /** Longest one request may take, loading included; a thread that takes longer is ended. */
  timeoutMs?: number;
  /** Entry of a thread; tests put one that misbehaves in its place. */
  entry?: URL;
};

type RunModel = ModelFile & Pick<Model, 'outputs' | 'interior'>;
type Job = { request: Request; done: (reply: Reply) => void };
type Thread = { worker: Worker; job: Job | null; timer: NodeJS.Timeout | undefined };

/**
 * Recomputes inference off the event loop, in worker threads that start when there is something to do and are replaced
 * when they crash or hang. Nothing it is given makes it throw: what cannot be recomputed is `VERIFIER_FAILED`.
 */
export class RecomputePool {
  readonly #options: Required<RecomputeOptions>;
  readonly #threads = new Set<Thread>();
  readonly #queue: Job[] = [];
  #closed = false;

  constructor(options: RecomputeOptions = {}) {
    this.#options = {
      threads: 1,
      maxQueued: 200,
      timeoutMs: 30_000,
      entry: new URL('thread.ts', import.meta.url),
      ...options,
    };
  }

  /** The model's outputs and interior tensors for `inputs`, in the order of its signature. */
  async run(model: RunModel, inputs: readonly Tensor[]): Promise<Outcome<Computed, 'VERIFIER_FAILED'>> {
    const reply = await this.#submit(requestOf(model, inputs));
    if (!reply.ok) return fail('VERIFIER_FAILED', reply.message);
    return 'computed' in reply
      ? ok(reply.computed)
      : fail('VERIFIER_FAILED', 'the recompute thread gave no outputs');
  }

  /** What comes of holding `claim` against a recomputation; the comparison is made in the thread too. */
  async compare(
    model: RunModel,
    inputs: readonly Tensor[],
    claim: InferClaim,
    tolerance: Model['tolerance'],
  ): Promise<Outcome<{ comparison: Comparison; cpuMs: number }, 'VERIFIER_FAILED'>> {
    const reply = await this.#submit({ ...requestOf(model, inputs), claim: { claim, tolerance } });
    if (!reply.ok) return fail('VERIFIER_FAILED', reply.message);
    if (!('comparison' in reply)) return fail('VERIFIER_FAILED', 'the recompute thread compared nothing');
    return ok({ comparison: reply.comparison, cpuMs: reply.cpuMs });
  }

  /** Ends every thread; what waits or runs fails. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.done({ ok: false, message: 'the node is shutting down' });
    await Promise.all([...this.#threads].map((thread) => this.#end(thread, 'the node is shutting down')));
  }

  #submit(request: Request): Promise<Reply> {
    if (this.#closed) return Promise.resolve({ ok: false, message: 'the node is shutting down' });
    if (this.#queue.length >= this.#options.maxQueued) {
      return Promise.resolve({
        ok: false,
        message: `${this.#queue.length} recomputations are waiting already`,
      });
    }
    return new Promise((done) => {
      this.#queue.push({ request, done });
      this.#next();
    });
  }

  /** Gives waiting jobs to idle threads, starting threads while there may be more. */
  #next(): void {
    while (this.#queue.length > 0) {
      const idle = [...this.#threads].find(({ job }) => job === null);
      if (idle === undefined && this.#threads.size >= this.#options.threads) return;
      const job = this.#queue.shift();
      if (job !== undefined) this.#start(idle ?? this.#spawn(), job);
    }
  }

  #start(thread: Thread, job: Job): void {
    const { timeoutMs } = this.#options;
    thread.job = job;
    // Only a thread at work keeps the process alive.
    thread.worker.ref();
    thread.timer = setTimeout(
      () => void this.#end(thread, `recomputing took longer than ${timeoutMs} ms`),
      timeoutMs,
    );
    thread.worker.postMessage(job.request);
  }

  #spawn(): Thread {
    // Node's own flags (a debugger, a test runner's loader) are no business of a thread.
    const worker = new Worker(this.#options.entry, { execArgv: [], name: 'gridtab-recompute' });
    const thread: Thread = { worker, job: null, timer: undefined };
    this.#threads.add(thread);
    worker.on('message', (reply: Reply) => {
      // A runtime that has thrown once may be broken for good: it is replaced.
      if (!reply.ok) return void this.#end(thread, reply.message);
      this.#settle(thread, reply);
      worker.unref();
      this.#next();
    });
    worker.on('error', (error) => void this.#end(thread, `the recompute thread crashed: ${error.message}`));
    worker.on('exit', (code) => void this.#end(thread, `the recompute thread ended with code ${code}`));
    return thread;
  }

  #settle(thread: Thread, reply: Reply): void {
    clearTimeout(thread.timer);
    const { job } = thread;
    thread.job = null;
    job?.done(reply);
  }

  /** Takes a thread out, fails what it ran, and lets another one take its place. Safe to call again. */
  async #end(thread: Thread, message: string): Promise<void> {
    if (!this.#threads.delete(thread)) return;
    this.#settle(thread, { ok: false, message });
    await thread.worker.terminate();
    this.#next();
  }
}

const requestOf = ({ path, sha256, outputs, interior }: RunModel, inputs: readonly Tensor[]): Request => ({
  model: { path, sha256 },
  inputs,
  outputs: outputs.map(({ name }) => name),
  interior: (interior ?? []).map(({ name }) => name),
});
