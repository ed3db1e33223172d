import type { Logger } from 'pino';
import { toHex } from '../../protocol/bytes.ts';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import type { KindName } from '../../protocol/kinds/registry.ts';
import type { TaskResult, WorkFromNode } from '../../protocol/messages.ts';
import { errorText } from '../../protocol/outcome.ts';
import { refusal, type Refusal } from '../../protocol/refusal.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { Faults } from '../faults.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Judge } from './judge.ts';
import type { HeldLease } from './lease.ts';
import type { Leases } from './leases.ts';
import type { Openings } from './openings.ts';
import type { TokenBucket } from '../rate-limit.ts';
import type { WorkSource } from './work-source.ts';

/** How soon a tab without work is looked at again; a job that arrives wakes it at once. */
const IDLE_RETRY_MS = 5_000;

/** How soon a tab that has used up its allowance is looked at again. */
const ALLOWANCE_RETRY_MS = 500;
/** Leases beyond those that came back as accepted results: this many at once, and this many a second. */
export const LEASE_BURST = 16;
export const LEASES_PER_SECOND = 2;

/** What is known of a tab beyond its connection; kept while the node runs. */
export type TabProfile = {
  peer: PeerId;
  account: AccountId;
  able: Set<KindName>;
  /** SHA-256 (hex) of the models it has ready. */
  models: Set<string>;
  hashRate: number;
  /** SHA-256 (hex) of the WebAssembly runtime it named. */
  artefact: string | null;
};

export type TabOptions = {
  profile: TabProfile;
  send: (message: WorkFromNode) => Promise<boolean>;
  ledger: Ledger;
  leases: Leases;
  judge: Judge;
  source: WorkSource;
  openings: Openings;
  nextSeq: () => number;
  /** Leases it may still take: one comes back for each accepted result. Kept over its streams. */
  allowance: TokenBucket;
  faults: Faults;
  logger: Logger;
};

/**
 * One tab at work on one stream. It holds at most as many leases as it asked for; leases of an earlier stream do not
 * count, so that a reloaded page is not starved by what it forgot.
 */
export class TabSession {
  readonly #options: TabOptions;
  readonly #leases = new Map<string, HeldLease>();
  #wanted = 0;
  #paused = false;
  #open = true;
  #pumping = false;
  #again = false;
  #idleTimer: NodeJS.Timeout | undefined;
  #saidIdle = false;

  constructor(options: TabOptions) {
    this.#options = options;
  }

  get profile(): TabProfile {
    return this.#options.profile;
  }

  get leased(): number {
    return this.#leases.size;
  }

  ready(n: number): void {
    this.#wanted = n;
    this.pump();
  }

  async pause(reason: string): Promise<void> {
    this.#paused = true;
    await this.release(
      [...this.#leases.values()].map(({ taskId }) => taskId),
      reason,
    );
  }

  resume(n: number): void {
    this.#paused = false;
    this.ready(n);
  }

  /** Takes leases back that the tab will not run. What it does not hold is ignored. */
  async release(taskIds: readonly Uint8Array[], reason: string): Promise<void> {
    for (const taskId of taskIds) {
      const lease = this.#leases.get(toHex(taskId));
      if (lease === undefined) continue;
      this.#leases.delete(toHex(taskId));
      await this.#options.leases.end(lease, 'released');
      this.#options.logger.debug({ task: toHex(taskId), reason }, 'lease handed back');
    }
    this.pump();
  }

  /** Judges a result and answers it. */
  async result(result: TaskResult): Promise<void> {
    const { profile, judge, openings, faults } = this.#options;
    // Returned: it no longer counts, so the next unit travels while this one is judged.
    this.#leases.delete(toHex(result.taskId));
    this.pump();
    const { peer, account, artefact } = profile;
    const verdict = await judge.judge(
      { peer, account, artefact, open: (taskId) => openings.ask(peer, taskId) },
      result,
    );
    const sent = this.#send(verdict);
    if (verdict.type === 'accepted') {
      this.#options.allowance.give();
      faults.pass('receipt.sent');
      this.pump();
    }
    await sent;
  }

  /** What the tab shows of a result that it was asked to open. */
  opening(taskId: Uint8Array, tensors: readonly Tensor[]): void {
    this.#options.openings.answer(this.profile.peer, taskId, tensors);
  }

  /** The deadline of a lease has passed. */
  expired(lease: HeldLease): void {
    if (!this.#leases.delete(toHex(lease.taskId))) return;
    void this.#send({ type: 'cancel', taskId: lease.taskId, ...refusal('DEADLINE_PASSED') });
    this.pump();
  }

  tell(message: WorkFromNode): void {
    void this.#send(message);
  }

  /** False when it could not be sent. */
  send(message: WorkFromNode): Promise<boolean> {
    return this.#send(message);
  }

  refuse(reason: Refusal): Promise<boolean> {
    return this.#send({ type: 'refused', ...reason });
  }

  /** The stream is gone; leases run on until their deadlines, for the tab may be back. */
  detach(): void {
    this.#open = false;
    clearTimeout(this.#idleTimer);
  }

  /** Fills the tab up to what it asked for. Runs once at a time; a call during a run makes it run again. */
  pump(): void {
    this.#again = true;
    if (this.#pumping) return;
    this.#pumping = true;
    void this.#fill()
      .catch((error: unknown) => {
        this.#options.logger.error({ error: errorText(error) }, 'lease could not be issued');
        this.#later(IDLE_RETRY_MS);
      })
      .finally(() => {
        this.#pumping = false;
        if (this.#again) this.pump();
      });
  }

  async #fill(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      while (this.#open && !this.#paused && this.#leases.size < this.#wanted) {
        // Handing leases back and getting them wrong is free for a tab, and costs the validator: so many and no more.
        if (!this.#options.allowance.take()) return this.#later(ALLOWANCE_RETRY_MS);
        if (!(await this.#issue())) {
          this.#options.allowance.give();
          return this.#idle();
        }
      }
    }
  }

  async #issue(): Promise<boolean> {
    const { profile, ledger, source, leases, faults, logger } = this.#options;
    const { peer, account, hashRate } = profile;
    const { epoch, beacon } = ledger.current;
    const seq = this.#options.nextSeq();
    return await source.with(profile, { peer, epoch, beacon, seq, hashRate }, async (next) => {
      if (next === null) return false;
      const { unit, job } = next;
      const lease = leases.propose({ peer, account, epoch, beacon, seq, hashRate, unit, job });
      const deadlineMs = await leases.issue(lease);
      if (deadlineMs === null) return true; // the job went elsewhere meanwhile
      faults.pass('lease.recorded');
      this.#leases.set(toHex(lease.taskId), lease);
      this.#saidIdle = false;
      logger.trace({ task: toHex(lease.taskId), kind: lease.unit.kind }, 'leased');
      const { taskId } = lease;
      const sent = await this.#send({ type: 'lease', taskId, epoch, beacon, seq, deadlineMs, unit });
      // Nobody will run what could not be sent, nor what was recorded after the stream or the wish for work was gone.
      if (!sent || this.#paused || !this.#open) {
        this.#leases.delete(toHex(taskId));
        await leases.end(lease, 'released');
      }
      return true;
    });
  }

  #idle(): void {
    const { able } = this.#options.profile;
    const reason =
      able.size === 0
        ? 'This tab said that it can run no kind of work.'
        : 'There is no work for this tab at the moment.';
    if (!this.#saidIdle) void this.#send({ type: 'idle', reason, retryInMs: IDLE_RETRY_MS });
    this.#saidIdle = true;
    this.#later(IDLE_RETRY_MS);
  }

  #later(ms: number): void {
    clearTimeout(this.#idleTimer);
    if (this.#open) this.#idleTimer = setTimeout(() => this.pump(), ms);
  }

  #send(message: WorkFromNode): Promise<boolean> {
    return this.#open ? this.#options.send(message) : Promise.resolve(false);
  }
}
