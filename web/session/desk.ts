import { equalBytes, toHex } from '../../protocol/bytes.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { MAX_LEASES, MAX_TEXT_CHARS } from '../../protocol/limits.ts';
import type { Lease, WorkFromNode, WorkFromTab } from '../../protocol/messages.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { SignedReceipt, Receipt } from '../../protocol/receipt.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import { taskIdBytes } from '../../protocol/task.ts';
import type { TaskDone, WorkerTask } from '../../worker/contract.ts';
import type { PoolProblem } from '../pool/pool.ts';
import type { ReceiptClaim } from '../receipts/check.ts';
import type { UnitRow } from '../state/types.ts';
import { leasedRow } from './unit-row.ts';

/** One unit runs, one waits: that hides the round trip to the validator. */
export const PREFETCH = 2;
/** Results without a verdict beyond which no more work is asked for: the validator does not keep up, or does not answer. */
export const MAX_UNANSWERED = 16;
/** After a unit that this device could not run, work is asked for again after 1 s, 2 s, 4 s … up to this. */
const MAX_COOLDOWN_MS = 60_000;

/** A lease that is here, and the row that shows it. */
type Held = {
  lease: Lease;
  validator: PeerId;
  line: DeskLine;
  row: UnitRow;
  expiresAtMs: number;
  voided: UnitRow['refusal'];
};
type ResultMessage = Extract<WorkFromTab, { type: 'result' }>;
type Verdict = Extract<WorkFromNode, { type: 'accepted' | 'rejected' }>;

export type DeskDeps = {
  /** 32 bytes. */
  subnet: Uint8Array;
  peer: PeerId;
  run: (task: WorkerTask) => Promise<Outcome<TaskDone, PoolProblem>>;
  cancel: (taskId: Uint8Array) => void;
  label: (lease: Lease) => string;
  onUnit: (row: UnitRow) => void;
  onDone: (done: TaskDone) => void;
  /** Checks and keeps a receipt for one of our results. */
  onReceipt: (signed: SignedReceipt, claim: ReceiptClaim) => Outcome<Receipt>;
  onProblem: (code: PoolProblem | 'LEASE_MISMATCH', message: string) => void;
  nowMs: () => number;
};

/** The work stream as the desk sees it. */
export type DeskLine = { validator: PeerId; maxLeases: number; send(message: WorkFromTab): void };

/**
 * Keeps the tab's units from lease to verdict. It outlives the connection: a unit that runs goes on, and results that
 * have no verdict yet are sent again on the next stream; the validator judges each once.
 */
export class UnitDesk {
  readonly #deps: DeskDeps;
  readonly #queue: Held[] = [];
  readonly #unanswered = new Map<string, { held: Held; message: ResultMessage }>();
  /** Leases that could not be run while there was no stream to say so, to be handed back on the next. */
  #lapsed: { validator: PeerId; taskId: Uint8Array }[] = [];
  #running: Held | null = null;
  #line: DeskLine | null = null;
  #paused = false;
  #failures = 0;
  #cooldown: ReturnType<typeof setTimeout> | null = null;
  #onQuiet: (() => void)[] = [];

  constructor(deps: DeskDeps) {
    this.#deps = deps;
  }

  /** A work stream is open: hands back what was lost, sends again what is unanswered, asks for work. */
  attach(line: DeskLine): void {
    this.#line = line;
    const lapsed = this.#lapsed.filter(({ validator }) => validator === line.validator);
    this.#lapsed = this.#lapsed.filter(({ validator }) => validator !== line.validator);
    for (let at = 0; at < lapsed.length; at += MAX_LEASES) {
      const taskIds = lapsed.slice(at, at + MAX_LEASES).map(({ taskId }) => taskId);
      line.send({ type: 'release', taskIds, reason: 'not run' });
    }
    for (const { held, message } of this.#unanswered.values()) {
      if (held.validator === line.validator) line.send(message);
    }
    this.#ask();
  }

  /**
   * The work stream is gone. Leases outlive it until their deadlines, so what is here is run, and its results go out on
   * the next stream.
   */
  detach(): void {
    this.#line = null;
  }

  lease(lease: Lease): void {
    const line = this.#line;
    if (line === null) return;
    const id = toHex(lease.taskId);
    if (this.#find(id) !== undefined || this.#unanswered.has(id)) return; // sent twice: it is here already
    const { subnet, peer } = this.#deps;
    const { epoch, beacon, seq, unit } = lease;
    const expected = taskIdBytes({ subnet, validator: line.validator, epoch, beacon, peer, seq }, unit);
    if (!equalBytes(expected, lease.taskId)) {
      this.#deps.onProblem('LEASE_MISMATCH', `task ${id.slice(0, 16)}`);
      return this.#handBack(line.validator, lease.taskId, 'the task id does not belong to the unit');
    }
    if (this.#paused || this.#heldOn(line) >= this.#depth(line)) {
      const reason = this.#paused ? 'the tab is paused' : 'more leases than asked for';
      return this.#handBack(line.validator, lease.taskId, reason);
    }
    const nowMs = this.#deps.nowMs();
    const row = leasedRow(lease, this.#deps.label(lease), nowMs);
    this.#queue.push({
      lease,
      validator: line.validator,
      line,
      row,
      expiresAtMs: nowMs + lease.deadlineMs,
      voided: null,
    });
    this.#deps.onUnit(row);
    this.#pump();
  }

  /** The validator's word on a result. One for a task that has no result waiting is ignored. */
  verdict(verdict: Verdict): void {
    const id = toHex(verdict.taskId);
    const answered = this.#unanswered.get(id);
    if (answered === undefined) return;
    this.#unanswered.delete(id);
    const { held, message } = answered;
    const claim: ReceiptClaim = {
      validator: held.validator,
      peer: this.#deps.peer,
      taskId: message.taskId,
      kind: held.lease.unit.kind,
      digest: message.digest,
    };
    // A result that was sent again after a reconnect may have its verdict, and its receipt, already.
    const receipt = verdict.receipt === undefined ? null : this.#deps.onReceipt(verdict.receipt, claim);
    if (receipt?.ok) this.#show(held, { status: 'accepted', work: receipt.value.work.toString() });
    else if (verdict.type === 'accepted') this.#show(held, { status: 'accepted' });
    else this.#show(held, { status: 'rejected', refusal: { code: verdict.code, message: verdict.message } });
    if (this.#unanswered.size === MAX_UNANSWERED - 1) this.#ask();
    this.#quiet();
  }

  /** The validator takes a lease back. */
  revoke(taskId: Uint8Array, code: RefusalCode, message: string): void {
    const held = this.#find(toHex(taskId));
    if (held === undefined) return;
    this.#void(held, code, message);
    this.#ask();
  }

  /** Hands back every lease and takes no more until `resume`; what runs ends within one dispatch. */
  pause(reason: string): void {
    this.#paused = true;
    this.#cool(0);
    for (const held of this.#queue.slice()) this.#void(held, 'RELEASED', reason);
    if (this.#running !== null) this.#void(this.#running, 'RELEASED', reason);
    this.#line?.send({ type: 'pause', reason: reason.slice(0, MAX_TEXT_CHARS) });
  }

  resume(): void {
    this.#paused = false;
    const line = this.#line;
    if (line !== null) line.send({ type: 'resume', n: this.#depth(line) });
  }

  /** Asks for work again, for instance when the validator said there would be some by now. */
  poll(): void {
    this.#ask();
  }

  /** Resolves when nothing runs and every result has its verdict, or after `timeoutMs`. */
  async settled(timeoutMs: number): Promise<void> {
    if (this.#running === null && (this.#unanswered.size === 0 || this.#line === null)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onQuiet.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Leases of this stream; those of an earlier one do not count, on either side. */
  #heldOn(line: DeskLine): number {
    return [...this.#queue, ...(this.#running === null ? [] : [this.#running])].filter(
      (held) => held.line === line,
    ).length;
  }

  #depth(line: DeskLine): number {
    return Math.min(PREFETCH, line.maxLeases);
  }

  #find(id: string): Held | undefined {
    if (this.#running?.row.taskId === id) return this.#running;
    return this.#queue.find(({ row }) => row.taskId === id);
  }

  #ask(): void {
    const line = this.#line;
    if (line === null || this.#paused || this.#cooldown !== null || this.#unanswered.size >= MAX_UNANSWERED)
      return;
    line.send({ type: 'ready', n: this.#depth(line) });
  }

  #pump(): void {
    if (this.#running !== null || this.#paused) return;
    const held = this.#queue.shift();
    if (held === undefined) return;
    if (held.expiresAtMs <= this.#deps.nowMs()) {
      // It waited too long behind another; running it now would be for nothing.
      this.#handBack(held.validator, held.lease.taskId, 'its deadline passed before it could be run');
      this.#released(held, 'its deadline passed before it could be run');
      this.#ask();
      return this.#pump();
    }
    this.#running = held;
    this.#show(held, { status: 'running' });
    const { taskId, beacon, unit } = held.lease;
    void this.#deps.run({ taskId, beacon, unit }).then((outcome) => this.#finished(held, outcome));
  }

  #finished(held: Held, outcome: Outcome<TaskDone, PoolProblem>): void {
    this.#running = null;
    if (held.voided !== null) {
      this.#show(held, { status: 'released', refusal: held.voided });
    } else if (outcome.ok) {
      this.#failures = 0;
      const { digest, result, provider, elapsedMs } = outcome.value;
      const message: ResultMessage = {
        type: 'result',
        taskId: held.lease.taskId,
        digest,
        result,
        provider,
        elapsedMs,
      };
      this.#unanswered.set(held.row.taskId, { held, message });
      this.#show(held, { status: 'returned', provider, elapsedMs });
      this.#deps.onDone(outcome.value);
      if (this.#line?.validator === held.validator) this.#line.send(message);
    } else {
      this.#failures += 1;
      this.#released(held, outcome.message);
      this.#handBack(held.validator, held.lease.taskId, `${outcome.code}: ${outcome.message}`);
      this.#deps.onProblem(outcome.code, outcome.message);
      // Handing the same unit back and forth would keep both sides busy for nothing.
      this.#cool(Math.min(MAX_COOLDOWN_MS, 1000 * 2 ** (this.#failures - 1)));
    }
    this.#ask();
    this.#pump();
    this.#quiet();
  }

  #cool(ms: number): void {
    if (this.#cooldown !== null) clearTimeout(this.#cooldown);
    this.#cooldown = null;
    if (ms === 0) return;
    this.#cooldown = setTimeout(() => {
      this.#cooldown = null;
      this.#ask();
    }, ms);
  }

  /** Takes a lease out of play: at once when it waits, within one dispatch when it runs. */
  #void(held: Held, code: RefusalCode | 'RELEASED', message: string): void {
    held.voided = { code, message };
    if (held === this.#running) return this.#deps.cancel(held.lease.taskId);
    this.#queue.splice(this.#queue.indexOf(held), 1);
    this.#show(held, { status: 'released', refusal: held.voided });
  }

  /** Returns a lease to its validator: now, or when there is a stream to it again. */
  #handBack(validator: PeerId, taskId: Uint8Array, reason: string): void {
    if (this.#line?.validator !== validator) this.#lapsed.push({ validator, taskId });
    else this.#line.send({ type: 'release', taskIds: [taskId], reason: reason.slice(0, MAX_TEXT_CHARS) });
  }

  #released(held: Held, message: string): void {
    this.#show(held, { status: 'released', refusal: { code: 'RELEASED', message } });
  }

  #show(held: Held, change: Partial<UnitRow>): void {
    held.row = { ...held.row, ...change, atMs: this.#deps.nowMs() };
    this.#deps.onUnit(held.row);
  }

  #quiet(): void {
    if (this.#running !== null || this.#unanswered.size > 0) return;
    for (const resolve of this.#onQuiet.splice(0)) resolve();
  }
}
