import type {
  GridWorker,
  ModelReport,
  OpenOptions,
  OpenReport,
  TaskDone,
  WorkerEvent,
  WorkerProblem,
  WorkerTask,
} from '../../worker/contract.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Model } from '../../protocol/manifest.ts';
import { errorText, fail, type Outcome } from '../../protocol/outcome.ts';
import type { Crash, Spawned } from './spawn.ts';
import { Watchdog } from './watchdog.ts';

export type PoolProblem = WorkerProblem | 'WORKER_CRASHED' | 'WORKER_FAILED';

/**
 * Silence after which a worker counts as hung. Hashing reports twice a second, but a software adapter may sit in one
 * pipeline compilation for tens of seconds, and an ONNX session in WebAssembly blocks its thread while it is made.
 */
const SILENCE_MS = { open: 120_000, run: 120_000, prepare: 300_000, close: 3_000 } as const;
/** Crashes in a row, without a finished call between, after which the device is given up. */
const MAX_CRASHES = 5;
const RESTART_WAIT_MS = 500;
/** Attempts double their wait up to this often: 8 s between two looks for a script that does not come. */
const MAX_DOUBLINGS = 4;

const CANCELLED = fail('ABORTED', 'the unit was cancelled');

type Prepared = { model: Model; url: string; provider: 'webgpu' | 'wasm' | undefined };

export type PoolOptions = {
  spawn: () => Spawned;
  onEvent: (event: WorkerEvent) => void;
  /** A worker crashed or hung and is being replaced, or its script did not load and is asked for again. */
  onCrash: (crash: Crash) => void;
  /** A new worker prepared a model again, or could not. */
  onPrepared: (sha256: string, outcome: Outcome<ModelReport, PoolProblem>) => void;
  silenceMs?: Partial<typeof SILENCE_MS>;
  restartWaitMs?: number;
};

/**
 * One worker that is replaced when it crashes or hangs. The call that was under way is made once more on the new
 * worker, which is opened and given its models again first; a unit that takes a worker down twice fails.
 */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #silenceMs: Record<keyof typeof SILENCE_MS, number>;
  readonly #prepared = new Map<string, Prepared>();
  #current: { spawned: Spawned; crashed: Promise<Crash> } | null = null;
  #crash: (crash: Crash) => void = () => {};
  #openOptions: OpenOptions | null = null;
  #recovering: Promise<Outcome<OpenReport, PoolProblem>> | null = null;
  #crashesInRow = 0;
  /** Calls under way. */
  readonly #calls: (keyof typeof SILENCE_MS)[] = [];
  #running: Promise<unknown> = Promise.resolve();
  /** Units that wait or run, by task id; true once they were cancelled. */
  readonly #units = new Map<string, boolean>();
  #closed = false;
  readonly #watchdog = new Watchdog((silentMs) =>
    this.#crash({ reason: `no sign of life for ${Math.round(silentMs / 1000)} s`, unloaded: false }),
  );

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#silenceMs = { ...SILENCE_MS, ...options.silenceMs };
  }

  /** Starts the worker; may be called again after `close`. */
  async open(options: OpenOptions): Promise<Outcome<OpenReport, PoolProblem>> {
    this.#closed = false;
    this.#openOptions = options;
    this.#crashesInRow = 0;
    this.#prepared.clear();
    this.#start();
    const opened = await this.#call('open', (worker) => worker.open(options, (event) => this.#event(event)));
    return !opened.ok && opened.code === 'WORKER_CRASHED' ? await this.#recover() : opened;
  }

  async prepare(
    model: Model,
    url: string,
    provider?: 'webgpu' | 'wasm',
  ): Promise<Outcome<ModelReport, PoolProblem>> {
    const done = await this.#twice('prepare', (worker) => worker.prepare(model, url, provider));
    if (done.ok) this.#prepared.set(model.sha256, { model, url, provider });
    return done;
  }

  /** Forgets what is stored of all other models. */
  async keepModels(models: readonly Model[]): Promise<void> {
    await this.#current?.spawned.worker.keepModels(models).catch(() => {}); // done the next time as well
  }

  /** Runs one unit after the other: the worker takes one at a time. */
  async run(task: WorkerTask): Promise<Outcome<TaskDone, PoolProblem>> {
    const id = toHex(task.taskId);
    this.#units.set(id, false);
    // Asked again for each worker that the unit is given to: it may be cancelled while one takes the place of another.
    const make = (worker: GridWorker): Promise<Outcome<TaskDone, WorkerProblem>> =>
      this.#units.get(id) === true ? Promise.resolve(CANCELLED) : worker.run(task);
    const turn = this.#running.then(() => this.#twice('run', make));
    this.#running = turn;
    const outcome = await turn;
    this.#units.delete(id);
    return outcome;
  }

  /** A timed burst, beside whatever runs: the worker takes turns. Not made again on a new worker: its time is over then. */
  async burst(
    preimage: Uint8Array,
    durationMs: number,
    keep: number,
  ): Promise<Outcome<Uint8Array, PoolProblem>> {
    if (this.#recovering !== null) return fail('WORKER_CRASHED', 'the worker is being replaced');
    const done = await this.#call('run', (worker) => worker.burst(preimage, durationMs, keep));
    if (!done.ok && done.code === 'WORKER_CRASHED') void this.#recover();
    return done;
  }

  /** Ends the unit if it waits or runs; `run` then answers ABORTED. The same for a burst, by its id. */
  cancel(taskId: Uint8Array): void {
    const id = toHex(taskId);
    if (this.#units.has(id)) this.#units.set(id, true);
    this.#current?.spawned.worker.cancel(taskId).catch(() => {}); // a worker that is gone runs nothing
  }

  /** Ends everything and frees the device. Calls under way answer ABORTED. */
  async close(): Promise<void> {
    this.#closed = true;
    const current = this.#current;
    if (current === null) return;
    await Promise.race([
      current.spawned.worker.close().catch(() => {}),
      new Promise((resolve) => setTimeout(resolve, this.#silenceMs.close)),
    ]);
    this.#crash({ reason: 'closed', unloaded: false });
    this.#drop();
  }

  #event(event: WorkerEvent): void {
    this.#watchdog.heard();
    this.#options.onEvent(event);
  }

  #start(): void {
    this.#drop();
    const spawned = this.#options.spawn();
    const crashed = new Promise<Crash>((resolve) => (this.#crash = resolve));
    spawned.onCrash((crash) => {
      if (this.#current?.spawned === spawned) this.#crash(crash);
    });
    this.#current = { spawned, crashed };
  }

  /** The most patient of the calls under way sets the limit: they share one thread. */
  #watch(): void {
    if (this.#calls.length === 0) this.#watchdog.rest();
    else this.#watchdog.watch(Math.max(...this.#calls.map((kind) => this.#silenceMs[kind])));
  }

  #drop(): void {
    this.#watchdog.rest();
    this.#current?.spawned.terminate();
    this.#current = null;
  }

  /** One call; it answers WORKER_CRASHED when the worker goes down meanwhile, ABORTED when the pool is closed. */
  async #call<T>(
    kind: 'open' | 'run' | 'prepare',
    make: (worker: GridWorker) => Promise<Outcome<T, WorkerProblem>>,
  ): Promise<Outcome<T, PoolProblem>> {
    const current = this.#current;
    if (this.#closed || current === null) return fail('ABORTED', 'stopped');
    this.#calls.push(kind);
    this.#watch();
    const answer = await Promise.race([
      make(current.spawned.worker).catch((error: unknown) => {
        // The contract answers failures as data, so what is thrown is a worker in an unknown state.
        if (this.#current === current) this.#crash({ reason: errorText(error), unloaded: false });
        return fail('WORKER_CRASHED', errorText(error));
      }),
      current.crashed.then(({ reason }) => fail('WORKER_CRASHED', reason)),
    ]);
    this.#calls.splice(this.#calls.indexOf(kind), 1);
    this.#watch();
    if (this.#closed) return fail('ABORTED', 'stopped');
    if (answer.ok) this.#crashesInRow = 0;
    return answer;
  }

  async #twice<T>(
    kind: 'run' | 'prepare',
    make: (worker: GridWorker) => Promise<Outcome<T, WorkerProblem>>,
  ): Promise<Outcome<T, PoolProblem>> {
    const ready = this.#recovering === null ? null : await this.#recovering;
    if (ready !== null && !ready.ok) return ready;
    const first = await this.#call(kind, make);
    if (first.ok || first.code !== 'WORKER_CRASHED') return first;
    const recovered = await this.#recover();
    if (!recovered.ok) return recovered;
    const second = await this.#call(kind, make);
    if (!second.ok && second.code === 'WORKER_CRASHED') void this.#recover();
    return second;
  }

  /** A new worker in the place of the one that failed; callers that saw the same crash share one recovery. */
  #recover(): Promise<Outcome<OpenReport, PoolProblem>> {
    this.#recovering ??= this.#restart().finally(() => (this.#recovering = null));
    return this.#recovering;
  }

  async #restart(): Promise<Outcome<OpenReport, PoolProblem>> {
    const options = this.#openOptions;
    if (options === null) return fail('ABORTED', 'stopped');
    let last: Outcome<OpenReport, PoolProblem> = fail('WORKER_FAILED', 'it crashed too often');
    for (let attempt = this.#crashesInRow; !this.#closed && this.#crashesInRow < MAX_CRASHES; attempt += 1) {
      const never = { reason: 'it did not start', unloaded: false };
      const crash = this.#current === null ? never : await this.#current.crashed;
      this.#options.onCrash(crash);
      this.#drop();
      await new Promise((resolve) =>
        setTimeout(
          resolve,
          (this.#options.restartWaitMs ?? RESTART_WAIT_MS) * 2 ** Math.min(attempt, MAX_DOUBLINGS),
        ),
      );
      // While the server is down there is no script: that is no fault of the worker, and ends when the server is back.
      if (!crash.unloaded) this.#crashesInRow += 1;
      const crashes = this.#crashesInRow;
      if (this.#closed) break;
      this.#start();
      last = await this.#call('open', (worker) => worker.open(options, (event) => this.#event(event)));
      if (last.ok) {
        const ready = await this.#prepareAgain();
        // Opening alone does not prove that the unit can be run: only a finished call after this clears the count.
        this.#crashesInRow = crashes;
        if (ready) return last;
      } else if (last.code !== 'WORKER_CRASHED') {
        return last;
      }
    }
    return this.#closed
      ? fail('ABORTED', 'stopped')
      : fail('WORKER_FAILED', last.ok ? 'it crashed too often' : last.message);
  }

  async #prepareAgain(): Promise<boolean> {
    for (const { model, url, provider } of this.#prepared.values()) {
      const done = await this.#call('prepare', (worker) => worker.prepare(model, url, provider));
      if (this.#closed) return false;
      // A model that cannot be prepared any more, or takes the worker down, must not keep other work from going on.
      if (!done.ok) this.#prepared.delete(model.sha256);
      this.#options.onPrepared(model.sha256, done);
      if (!done.ok && done.code === 'WORKER_CRASHED') return false;
    }
    return true;
  }
}
