import { burstPreimage } from '../../protocol/burst.ts';
import { MAX_BURST_MS } from '../../protocol/limits.ts';
import type { WorkFromNode, WorkFromTab } from '../../protocol/messages.ts';
import type { PoolLike } from './run.ts';

type BurstRequest = Extract<WorkFromNode, { type: 'burst' }>;

/**
 * A measurement is not paid, so the tab gives it this share of its time; a validator asks for less than half of it. Three
 * of the longest may come at once, as when a tab has just joined.
 */
const BUDGET = 0.02;
const BUDGET_MS = 3 * MAX_BURST_MS;

/**
 * Answers the validator's timed bursts. Whatever keeps the tab from it (paused, no worker, asked too often) is answered
 * with no shares at all, and has no other effect.
 */
export class TimedBursts {
  readonly #pool: Pick<PoolLike, 'burst' | 'cancel'>;
  readonly #nowMs: () => number;
  #budgetMs = BUDGET_MS;
  #budgetAtMs: number;
  /** Aborted by a pause. */
  #allowed = new AbortController();

  constructor(pool: Pick<PoolLike, 'burst' | 'cancel'>, nowMs: () => number = () => performance.now()) {
    this.#pool = pool;
    this.#nowMs = nowMs;
    this.#budgetAtMs = nowMs();
  }

  /** Sends one answer when the burst is over, or at once when there will be none. Never rejects. */
  async answer(request: BurstRequest, send: (message: WorkFromTab) => Promise<unknown>): Promise<void> {
    const shares = await this.#run(request);
    await send({ type: 'burst', burstId: request.burstId, shares });
  }

  /** Ends what runs within one dispatch; nothing runs until `resume`. */
  pause(): void {
    this.#allowed.abort();
  }

  resume(): void {
    this.#allowed = new AbortController();
  }

  async #run({ burstId, beacon, startInMs, durationMs, keep }: BurstRequest): Promise<Uint8Array> {
    const none = new Uint8Array();
    const { signal } = this.#allowed;
    if (signal.aborted || durationMs === 0 || keep === 0 || !this.#spend(durationMs)) return none;
    if (startInMs > 0) await wait(startInMs, signal);
    if (signal.aborted) return none;
    const cancel = (): void => this.#pool.cancel(burstId);
    signal.addEventListener('abort', cancel, { once: true });
    const done = await this.#pool.burst(burstPreimage({ beacon, burstId }, 0), durationMs, keep);
    signal.removeEventListener('abort', cancel);
    return done.ok ? done.value : none;
  }

  #spend(durationMs: number): boolean {
    const nowMs = this.#nowMs();
    this.#budgetMs = Math.min(BUDGET_MS, this.#budgetMs + BUDGET * (nowMs - this.#budgetAtMs));
    this.#budgetAtMs = nowMs;
    if (this.#budgetMs < durationMs) return false;
    this.#budgetMs -= durationMs;
    return true;
  }
}

/** Resolves after `ms`, or when `signal` aborts. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
