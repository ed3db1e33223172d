import { Worker } from 'node:worker_threads';
import { fail, ok, type Outcome } from '../../../../protocol/outcome.ts';
import type { Reply, Request } from './messages.ts';

export type RescanOptions = {
  /** Requests that may wait: 256 of 2^16 nonces are half a minute of hashing. */
  maxQueued?: number;
  /** Longest one request may take; the thread that takes longer is ended. 2^16 nonces take a tenth of a second. */
  timeoutMs?: number;
  /** Entry of the thread; tests put one that misbehaves in its place. */
  entry?: URL;
};

type Rescanned = Outcome<number[], 'VERIFIER_FAILED'>;
type Job = { request: Request; done: (outcome: Rescanned) => void };

const CLOSED = fail('VERIFIER_FAILED', 'the node is shutting down');

/**
 * Rescans nonce ranges off the event loop, in one thread that starts when there is something to do and is replaced when it
 * crashes or hangs. What cannot be rescanned is `VERIFIER_FAILED`; nothing throws.
 */
export class Rescanner {
  readonly #options: Required<RescanOptions>;
  readonly #queue: Job[] = [];
  #worker: Worker | null = null;
  #job: Job | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: RescanOptions = {}) {
    this.#options = {
      maxQueued: 256,
      timeoutMs: 30_000,
      entry: new URL('thread.ts', import.meta.url),
      ...options,
    };
  }

  /** Every nonce of the request's ranges that reaches its target. */
  run(request: Request): Promise<Rescanned> {
    if (this.#closed) return Promise.resolve(CLOSED);
    if (this.#queue.length >= this.#options.maxQueued) {
      return Promise.resolve(fail('VERIFIER_FAILED', `${this.#queue.length} rescans are waiting already`));
    }
    return new Promise((done) => {
      this.#queue.push({ request, done });
      this.#next();
    });
  }

  /** Ends the thread; what waits or runs fails. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#queue.splice(0)) job.done(CLOSED);
    const worker = this.#worker;
    this.#worker = null;
    this.#settle(CLOSED);
    await worker?.terminate();
  }

  #next(): void {
    if (this.#job !== null) return;
    const job = this.#queue.shift();
    if (job === undefined) return;
    const worker = this.#worker ?? this.#spawn();
    this.#job = job;
    // Only a thread at work keeps the process alive.
    worker.ref();
    const { timeoutMs } = this.#options;
    this.#timer = setTimeout(() => this.#lose(worker, `took longer than ${timeoutMs} ms`), timeoutMs);
    worker.postMessage(job.request);
  }

  #spawn(): Worker {
    // Node's own flags (a debugger, a test runner's loader) are no business of a thread.
    const worker = new Worker(this.#options.entry, { execArgv: [], name: 'gridtab-rescan' });
    this.#worker = worker;
    worker.on('message', ({ nonces }: Reply) => {
      if (this.#worker !== worker) return;
      worker.unref();
      this.#settle(ok(nonces));
      this.#next();
    });
    worker.on('error', (error) => this.#lose(worker, `crashed: ${error.message}`));
    worker.on('exit', (code) => this.#lose(worker, `ended with code ${code}`));
    return worker;
  }

  #settle(outcome: Rescanned): void {
    clearTimeout(this.#timer);
    const job = this.#job;
    this.#job = null;
    job?.done(outcome);
  }

  /** Lets a thread go, fails what it ran, and has the next job start another. Safe to call again. */
  #lose(worker: Worker, what: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    void worker.terminate();
    this.#settle(fail('VERIFIER_FAILED', `the rescan thread ${what}`));
    this.#next();
  }
}
