import type { Refusal } from '../../protocol/refusal.ts';
import { dialPlans } from '../peer/addresses.ts';
import { Backoff, waitFor } from '../peer/backoff.ts';
import { attend } from './attend.ts';
import { loadManifest } from './manifest.ts';
import { problemOf, refusalProblem } from './problems.ts';
import type { Run, RunContext } from './run.ts';
import { setStep } from './steps.ts';

/** A validator that asks to wait gets at least this long. */
const MIN_REFUSED_WAIT_MS = 10_000;
/**
 * Where another connection works under the same identity: two tabs must not take it from each other in turns, and a
 * connection of our own that was lost is noticed by the validator within this time.
 */
const MIN_TAKEN_WAIT_MS = 30_000;
/**
 * A work stream that lasted this long counts as a success. One that ends sooner, again and again, is a validator that
 * drops its tabs, or a second tab under the same identity: each try then waits longer than the last.
 */
export const STEADY_MS = 30_000;

/** How a connection ended, and for how many milliseconds work went on over it: null when it never did. */
export type LinkEnd = { workedMs: number | null } & (
  { refusal: Refusal } | { refusal: null; message: string }
);

/** Connects, works, and connects again until the run ends: by Stop, or by a refusal that says so. */
export async function stayConnected(run: Run, context: RunContext): Promise<void> {
  const { state, secureOrigin } = run.deps;
  const backoff = new Backoff();
  while (!run.signal.aborted) {
    if (backoff.attempts > 0) await refreshManifest(run, context);
    const plans = dialPlans(context.loaded.manifest, secureOrigin, context.identity.peer);
    const plan = plans[backoff.attempts % plans.length];
    if (plan === undefined) return run.fail(problemOf('MANIFEST_MALFORMED', 'it names no validator'));
    state.update(
      { connection: { ...state.current.connection, status: 'connecting', peer: plan.peer, retryAtMs: null } },
      'now',
    );
    setStep(state, 'connect', 'active');
    const link = await context.peer.dial(plan, run.signal);
    if (run.signal.aborted) return;
    let end: LinkEnd;
    if (link.ok) {
      end = await attend(link.value, run, context);
      await link.value.close();
      if (run.signal.aborted) return;
      if (end.workedMs !== null && end.workedMs >= STEADY_MS) backoff.reset();
      if (end.refusal === null) {
        state.addProblem(problemOf(end.workedMs === null ? 'JOIN_FAILED' : 'CONNECTION_LOST', end.message));
      }
    } else {
      end = { workedMs: null, refusal: null, message: link.message };
      state.addProblem(problemOf('VALIDATOR_UNREACHABLE', link.message));
    }
    let waitMs = backoff.next();
    if (end.refusal !== null) {
      // Not for ever, whatever the validator advises: the other connection may be our own, not yet noticed as lost.
      const taken = end.refusal.code === 'ALREADY_CONNECTED';
      const problem = taken
        ? problemOf('REFUSED_ALREADY_CONNECTED', end.refusal.message)
        : refusalProblem(end.refusal);
      const ends = !taken && (end.refusal.next === 'stop' || end.refusal.next === 'reload');
      setStep(state, 'register', ends ? 'failed' : 'active', end.refusal.message);
      if (ends) return run.fail(problem);
      state.addProblem(problem);
      if (taken) waitMs = Math.max(waitMs, MIN_TAKEN_WAIT_MS);
      if (end.refusal.next === 'wait') waitMs = Math.max(waitMs, MIN_REFUSED_WAIT_MS);
    }
    const reason = end.refusal === null ? end.message : end.refusal.message;
    state.update(
      {
        connection: {
          ...state.current.connection,
          status: 'waiting',
          transport: null,
          roundTripMs: null,
          retryAtMs: Date.now() + waitMs,
          attempts: backoff.attempts,
          reason,
        },
      },
      'now',
    );
    setStep(state, 'connect', 'active', reason);
    await waitFor(waitMs, run.signal, { target: run.deps.network, event: 'online' });
  }
}

/** Addresses change when a validator moves or renews its certificate. What cannot be fetched leaves the old in use. */
async function refreshManifest(run: Run, context: RunContext): Promise<void> {
  const newer = await loadManifest(run.deps.manifest, false, run.signal);
  const { manifest } = context.loaded;
  if (
    newer.ok &&
    newer.value.manifest.owner === manifest.owner &&
    newer.value.manifest.name === manifest.name
  ) {
    context.loaded = newer.value;
  }
}
