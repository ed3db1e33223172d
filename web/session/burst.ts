import type { Lease } from '../../protocol/messages.ts';
import { fail, type Outcome } from '../../protocol/outcome.ts';
import type { TaskDone } from '../../worker/contract.ts';
import type { Link } from '../peer/peer.ts';
import type { UnitRow } from '../state/types.ts';
import type { JoinResult } from './join.ts';
import { problemOf } from './problems.ts';
import type { Run, RunContext } from './run.ts';
import { setStep } from './steps.ts';
import { leasedRow, unitLabel } from './unit-row.ts';

/** The registration burst: the benchmark, the price of a new identity, and the first verified unit. */
export class Burst {
  readonly #run: Run;
  readonly #context: RunContext;
  readonly #signal: AbortSignal;
  #row: UnitRow | null = null;

  constructor(run: Run, context: RunContext, signal: AbortSignal) {
    this.#run = run;
    this.#context = context;
    this.#signal = signal;
  }

  /** Runs the burst as any other unit; ends it when the connection goes. */
  async run(lease: Lease): Promise<Outcome<TaskDone>> {
    const { pool } = this.#run;
    setStep(this.#run.deps.state, 'register', 'active', 'registration burst');
    this.#row = leasedRow(lease, unitLabel(lease.unit, []), Date.now());
    this.#show({ status: 'running' });
    const cancel = (): void => pool.cancel(lease.taskId);
    this.#signal.addEventListener('abort', cancel, { once: true });
    const { taskId, beacon, unit } = lease;
    const done = this.#signal.aborted ? fail('ABORTED', 'stopped') : await pool.run({ taskId, beacon, unit });
    this.#signal.removeEventListener('abort', cancel);
    if (done.ok) {
      this.#show({ status: 'returned', provider: done.value.provider, elapsedMs: done.value.elapsedMs });
    } else {
      this.#show({ status: 'released', refusal: { code: 'RELEASED', message: done.message } });
      if (done.code === 'WORKER_FAILED') this.#run.fail(problemOf('WORKER_FAILED', done.message));
    }
    return done;
  }

  /** Shows how the burst ended: its receipt comes with the terms. */
  judged(joined: JoinResult, link: Link): void {
    if (this.#row?.status !== 'returned') return;
    if (!joined.ok) {
      // Not judged as far as we know; a receipt, if there is one, comes from the ledger after the next join.
      const refusal = joined.refusal ?? { code: 'RELEASED' as const, message: joined.message };
      const status = joined.refusal === null ? 'released' : 'rejected';
      return this.#show({ status, refusal: { code: refusal.code, message: refusal.message } });
    }
    const { burst, terms } = joined;
    if (burst === null) return;
    if (terms.receipt === undefined) {
      this.#run.deps.state.addProblem(
        problemOf('RECEIPT_INVALID', 'the registration burst came back without one'),
      );
      return this.#show({ status: 'accepted' });
    }
    const receipt = this.#context.receipts.claim(terms.receipt, {
      validator: link.peer,
      peer: this.#context.identity.peer,
      taskId: burst.lease.taskId,
      kind: burst.lease.unit.kind,
      digest: burst.done.digest,
    });
    this.#show({ status: 'accepted', work: receipt.ok ? receipt.value.work.toString() : null });
  }

  #show(change: Partial<UnitRow>): void {
    if (this.#row === null) return;
    this.#row = { ...this.#row, ...change, atMs: Date.now() };
    this.#context.units.put(this.#row);
  }
}
