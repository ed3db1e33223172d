import { toHex } from '../../protocol/bytes.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { MAX_LEASES, MAX_TEXT_CHARS } from '../../protocol/limits.ts';
import type { Lease, WorkFromTab } from '../../protocol/messages.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { SignedReceipt, Receipt } from '../../protocol/receipt.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import type { TaskDone, WorkerTask } from '../../worker/contract.ts';
import type { PoolProblem } from '../pool/pool.ts';
import type { ReceiptClaim } from '../receipts/check.ts';
import type { UnitRow } from '../state/types.ts';
import { Cooldown } from './cooldown.ts';
import { isTaskOf } from './task-check.ts';
import { judged, Unanswered, type Answered, type ResultMessage, type Verdict } from './unanswered.ts';
import { leasedRow } from './unit-row.ts';

/** One unit runs, one waits: that hides the round trip to the validator. */
export const PREFETCH = 2;
/**
 * Results without a verdict, and leases of earlier streams, beyond which no work is taken: the validator does not keep
 * up, or does not answer. A result may hold 5 MB, so this bounds the tab's memory as well.
 */
export const MAX_UNANSWERED = 16;
/** Leases turned away in a row after which the tab rests: a validator that goes on sending such would spin for nothing. */
const MAX_TURNED_AWAY = 8;
/** Leases to hand back when there is a stream again; those beyond lapse at their deadlines. */
const MAX_LAPSED = 64;
/** From a pause to the resume after it at least this long, so that leases then on their way arrive while it still holds. */
const PAUSE_ECHO_MS = 1_000;

/** A lease that is here, and the row that shows it. */
type Held = {
  lease: Lease;
  validator: PeerId;
  line: DeskLine;
  row: UnitRow;
  expiresAtMs: number;
  voided: UnitRow['refusal'];
};
export type DeskDeps = {
  /** 32 bytes. */
  subnet: Uint8Array;
  peer: PeerId;
  run: (task: WorkerTask) => Promise<Outcome<TaskDone, PoolProblem>>;
  cancel: (taskId: Uint8Array) => void;
  label: (lease: Lease) => string;
  /** Why a unit cannot be run on this device as things are, or null when it can. */
  unable: (unit: Lease['unit']) => string | null;
  onUnit: (row: UnitRow) => void;
  onDone: (done: TaskDone) => void;
  /** Checks and keeps a receipt for one of our results. */
  onReceipt: (signed: SignedReceipt, claim: ReceiptClaim) => Outcome<Receipt>;
  onProblem: (code: PoolProblem | 'LEASE_MISMATCH', message: string) => void;
  nowMs: () => number;
};

/** The work stream as the desk sees it. */
export type DeskLine = { validator: PeerId; maxLeases: number; send(message: WorkFromTab): Promise<unknown> };

/**
 * Keeps the tab's units from lease to verdict. It outlives the connection: a unit that runs goes on, and results that
 * have no verdict yet are sent again on the next stream; the validator judges each once.
 */
export class UnitDesk {
  readonly #deps: DeskDeps;
  readonly #queue: Held[] = [];
  readonly #unanswered = new Unanswered();
  readonly #cooldown = new Cooldown(() => this.#ask());
  /** Leases that could not be run while there was no stream to say so, to be handed back on the next. */
  #lapsed: { validator: PeerId; taskId: Uint8Array }[] = [];
  #running: Held | null = null;
  #line: DeskLine | null = null;
  #paused = false;
  /** Settles when nothing leased before the last pause can arrive any more. */
  #echo: Promise<unknown> = Promise.resolve();
  /** Counts pauses and resumes, so that a resume which was overtaken does nothing. */
  #turn = 0;
  /** How many leases the validator believes are wanted. */
  #wished = 0;
  #turnedAway = 0;
  #onQuiet: (() => void)[] = [];

  constructor(deps: DeskDeps) {
    this.#deps = deps;
  }

  /** A work stream is open: hands back what was lost, sends again what is unanswered, asks for work. */
  attach(line: DeskLine): void {
    this.#line = line;
    this.#wished = 0;
    const lapsed = this.#lapsed.filter(({ validator }) => validator === line.validator);
    this.#lapsed = this.#lapsed.filter(({ validator }) => validator !== line.validator);
    for (let at = 0; at < lapsed.length; at += MAX_LEASES) {
      const taskIds = lapsed.slice(at, at + MAX_LEASES).map(({ taskId }) => taskId);
      void line.send({ type: 'release', taskIds, reason: 'not run' });
    }
    for (const message of this.#unanswered.messagesFor(line.validator)) void line.send(message);
    this.#ask();
  }

  /**
   * The work stream is gone. Leases outlive it until their deadlines, so what is here is run, and its results go out on
   * the next stream.
   */
  detach(): void {
    this.#line = null;
  }

  /** Takes a lease that was asked for and can be run; hands back any other. Resolves when that is decided. */
  async lease(lease: Lease): Promise<void> {
    const line = this.#line;
    if (line === null) return;
    const id = toHex(lease.taskId);
    if (this.#find(id) !== undefined || this.#unanswered.has(id)) return; // sent twice: it is here already
    // Looked at before its bytes are: what is not wanted is not worth hashing.
    const unwanted = this.#unwanted(line, lease);
    if (unwanted !== null) return this.#turnAway(line, lease, unwanted);
    const { subnet, peer } = this.#deps;
    const { epoch, beacon, seq } = lease;
    const mine = await isTaskOf(lease, { subnet, validator: line.validator, epoch, beacon, peer, seq });
    if (!mine) {
      this.#deps.onProblem('LEASE_MISMATCH', `task ${id.slice(0, 16)}`);
      return this.#turnAway(line, lease, 'the task id does not belong to the unit');
    }
    const unwantedNow = this.#unwanted(line, lease);
    if (unwantedNow !== null) return this.#turnAway(line, lease, unwantedNow);
    this.#turnedAway = 0;
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
    const line = this.#line;
    const answered = line === null ? null : this.#unanswered.take(verdict.taskId, line.validator);
    if (line === null || answered === null) return;
    this.#show(answered, judged(answered, verdict, this.#deps.peer, this.#deps.onReceipt));
    if (this.#room(line) > this.#wished) this.#ask();
    this.#quiet();
  }

  /** Shows the interior tensors that a result was sealed with: what is not shown is not paid. */
  open(taskId: Uint8Array): void {
    const line = this.#line;
    if (line !== null) void line.send(this.#unanswered.opening(taskId, line.validator));
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
    this.#turn += 1;
    for (const held of this.#queue.slice()) this.#void(held, 'RELEASED', reason);
    if (this.#running !== null) this.#void(this.#running, 'RELEASED', reason);
    const sent = this.#line?.send({ type: 'pause', reason: reason.slice(0, MAX_TEXT_CHARS) });
    this.#echo =
      sent === undefined
        ? Promise.resolve()
        : sent.then(() => new Promise((resolve) => setTimeout(resolve, PAUSE_ECHO_MS)));
  }

  /**
   * Takes work again. Leases that left the validator before it read of the pause are void, and look like any other: they
   * are let arrive, and are turned away, before work is asked for.
   */
  resume(): void {
    const turn = ++this.#turn;
    void this.#echo.then(() => {
      if (turn !== this.#turn) return;
      this.#paused = false;
      const line = this.#line;
      if (line === null) return;
      this.#wished = this.#room(line);
      void line.send({ type: 'resume', n: this.#wished });
    });
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

  /** How many leases of this stream the tab would hold as things are. */
  #room(line: DeskLine): number {
    if (this.#cooldown.active) return 0;
    const held = this.#queue.length + (this.#running === null ? 0 : 1);
    const others = this.#unanswered.size + held - this.#heldOn(line);
    return Math.max(0, Math.min(PREFETCH, line.maxLeases, MAX_UNANSWERED - others));
  }

  /** Why a lease is not taken, or null when it is. */
  #unwanted(line: DeskLine, { unit }: Lease): string | null {
    if (this.#line !== line) return 'its stream is closed';
    if (this.#paused) return 'the tab is paused';
    if (this.#cooldown.active) return 'the tab rests after a unit that it could not run';
    if (this.#heldOn(line) >= this.#room(line)) return 'more leases than asked for';
    return this.#deps.unable(unit);
  }

  /** Hands back a lease that was not taken, and rests when the validator keeps sending such. */
  #turnAway(line: DeskLine, { taskId }: Lease, reason: string): void {
    this.#turnedAway += 1;
    if (this.#turnedAway >= MAX_TURNED_AWAY && !this.#paused) {
      this.#turnedAway = 0;
      this.#cooldown.rest();
      this.#ask();
    }
    this.#handBack(line.validator, taskId, reason);
  }

  #find(id: string): Held | undefined {
    if (this.#running?.row.taskId === id) return this.#running;
    return this.#queue.find(({ row }) => row.taskId === id);
  }

  /** Says how many leases are wanted. None is said once. */
  #ask(): void {
    const line = this.#line;
    if (line === null || this.#paused) return;
    const n = this.#room(line);
    if (n === 0 && this.#wished === 0) return;
    this.#wished = n;
    void line.send({ type: 'ready', n });
  }

  #pump(): void {
    if (this.#running !== null || this.#paused) return;
    const held = this.#queue.shift();
    if (held === undefined) return;
    // It waited behind another: running it now may be for nothing, or no longer possible.
    const late = held.expiresAtMs <= this.#deps.nowMs();
    const reason = late ? 'its deadline passed before it could be run' : this.#deps.unable(held.lease.unit);
    if (reason !== null) {
      this.#giveUp(held, reason);
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
      this.#cooldown.succeeded();
      const { digest, result, interior = [], provider, elapsedMs } = outcome.value;
      const message: ResultMessage = {
        type: 'result',
        taskId: held.lease.taskId,
        digest,
        result,
        provider,
        elapsedMs,
      };
      const answered: Answered = { validator: held.validator, row: held.row, message, interior };
      this.#unanswered.add(answered);
      this.#show(answered, { status: 'returned', provider, elapsedMs });
      this.#deps.onDone(outcome.value);
      if (this.#line?.validator === held.validator) void this.#line.send(message);
    } else if (this.#deps.unable(held.lease.unit) !== null) {
      // Not the unit's failure: what runs it is gone, and the validator is being told so.
      this.#giveUp(held, outcome.message);
    } else {
      this.#cooldown.failed();
      // Before the leases go back, or the validator would send them here again at once.
      this.#ask();
      this.#giveUp(held, `${outcome.code}: ${outcome.message}`);
      for (const waiting of this.#queue.splice(0)) this.#giveUp(waiting, 'the unit before it failed here');
      this.#deps.onProblem(outcome.code, outcome.message);
    }
    this.#ask();
    this.#pump();
    this.#quiet();
  }

  /** Hands a lease back that was taken. */
  #giveUp(held: Held, reason: string): void {
    this.#show(held, { status: 'released', refusal: { code: 'RELEASED', message: reason } });
    this.#handBack(held.validator, held.lease.taskId, reason);
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
    if (this.#line?.validator !== validator) {
      this.#lapsed = [...this.#lapsed, { validator, taskId }].slice(-MAX_LAPSED);
      return;
    }
    const text = reason.slice(0, MAX_TEXT_CHARS);
    void this.#line.send({ type: 'release', taskIds: [taskId], reason: text });
  }

  #show(shown: { row: UnitRow }, change: Partial<UnitRow>): void {
    shown.row = { ...shown.row, ...change, atMs: this.#deps.nowMs() };
    this.#deps.onUnit(shown.row);
  }

  #quiet(): void {
    if (this.#running !== null || this.#unanswered.size > 0) return;
    for (const resolve of this.#onQuiet.splice(0)) resolve();
  }
}
