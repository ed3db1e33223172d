import { initialState, offline, waitingSteps } from '../state/initial.ts';
import type { Phase, Problem, StartOptions } from '../state/types.ts';
import type { VerificationReport } from '../verify/report.ts';
import { showEvidence } from './evidence.ts';
import { nextPhase, type PhaseEvent } from './machine.ts';
import { Run, type RunDeps } from './run.ts';

/** What Start, Pause, Resume and Stop do. One run at a time; Stop waits until it is gone. */
export class Session {
  readonly #deps: RunDeps;
  #run: Run | null = null;
  #ended: Promise<void> = Promise.resolve();
  #verifying: Promise<VerificationReport | null> | null = null;

  constructor(deps: RunDeps) {
    this.#deps = deps;
  }

  get phase(): Phase {
    return this.#deps.state.current.phase;
  }

  /** Starts from idle or failed; does nothing otherwise. `foreign` stays in view until it is trusted or replaced. */
  start({ trust = false }: StartOptions = {}): void {
    if (nextPhase(this.phase, 'start') === null) return;
    const { state } = this.#deps;
    const before = state.current;
    // A Start is a fresh look: what went wrong before is shown again if it still does.
    state.update({
      ...initialState(),
      phase: before.phase,
      units: before.units,
      counts: before.counts,
      receipts: before.receipts,
      credits: before.credits,
      verification: before.verification,
      milestones: { ...before.milestones, startedMs: before.milestones.startedMs ?? performance.now() },
    });
    this.#go('start');
    const run = new Run(this.#deps, () => this.#go('joined'));
    this.#run = run;
    this.#ended = run.live(trust).then((problem) => this.#onEnd(run, problem));
  }

  /** Resolves when nothing runs any more. */
  async stop(): Promise<void> {
    const run = this.#run;
    if (this.#go('stop') && run !== null) await run.stop();
    await this.#ended;
  }

  pause(reason: string): void {
    if (!this.#go('pause', reason)) return;
    this.#run?.pause(reason);
  }

  resume(): void {
    if (!this.#go('resume')) return;
    this.#run?.resume();
  }

  /** Asks the validator what stands behind its verdict on a unit. */
  async showEvidence(taskId: string): Promise<void> {
    await showEvidence(this.#deps.state, this.#run?.askEvidence ?? null, taskId);
  }

  /** Verifies the account's rewards; whoever asks while that is under way gets the same report. Null while not connected. */
  verify(): Promise<VerificationReport | null> {
    this.#verifying ??= (this.#run?.verify() ?? Promise.resolve(null)).finally(
      () => (this.#verifying = null),
    );
    return this.#verifying;
  }

  /** The page goes away: hands leases back while there is still a moment to. */
  leave(): void {
    if (this.phase === 'running') this.#run?.pause('the page was closed');
  }

  /** The page is back from the browser's cache after all. */
  comeBack(): void {
    if (this.phase === 'running') this.#run?.resume();
  }

  #onEnd(run: Run, problem: Problem | null): void {
    if (this.#run !== run) return;
    this.#run = null;
    const { state } = this.#deps;
    state.update({ connection: offline(), idleReason: null, pauseReason: null });
    if (this.phase === 'stopping') {
      state.update({ steps: waitingSteps() });
      this.#go('stopped');
      return;
    }
    if (problem !== null) state.addProblem(problem);
    this.#go('failed', problem?.title ?? null);
  }

  #go(event: PhaseEvent, reason: string | null = null): boolean {
    const { state } = this.#deps;
    const phase = nextPhase(this.phase, event);
    if (phase === null) return false;
    state.update({ phase, pauseReason: phase === 'paused' ? reason : null }, 'now');
    state.emit('phase', { phase, reason });
    return true;
  }
}
