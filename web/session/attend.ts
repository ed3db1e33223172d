import { JOIN_PROTOCOL, WORK_PROTOCOL } from '../../protocol/limits.ts';
import type { Lease } from '../../protocol/messages.ts';
import { errorText } from '../../protocol/outcome.ts';
import type { OpenReport } from '../../worker/contract.ts';
import type { Link } from '../peer/peer.ts';
import { loadCursor, saveCursor } from '../receipts/book.ts';
import { breathe } from './breathe.ts';
import { Burst } from './burst.ts';
import type { LinkEnd } from './connect.ts';
import { helloOf } from './hello.ts';
import { join, type JoinResult } from './join.ts';
import { LedgerSync } from './ledger-sync.ts';
import { News } from './news.ts';
import { problemOf, refusalProblem } from './problems.ts';
import type { Run, RunContext } from './run.ts';
import { pageVisible, standingOf } from './standing.ts';
import { setStep } from './steps.ts';
import { serveWork } from './work-stream.ts';

/** Opening a stream is a round trip or two. */
const OPEN_TIMEOUT_MS = 15_000;

/** One connection, from registration to its end. Never rejects. */
export async function attend(link: Link, run: Run, context: RunContext): Promise<LinkEnd> {
  const { state, store } = run.deps;
  showOnline(link, run);
  const signal = AbortSignal.any([run.signal, link.closed]);
  const lost = (message: string): LinkEnd => ({ workedMs: null, refusal: null, message });

  const opened = await context.opened;
  if (opened === null || signal.aborted) return lost('the connection was lost');
  setStep(state, 'register', 'active');
  const said = context.models.ready;
  const joined = await joinOver(link, run, context, opened, signal);
  if (!joined.ok) {
    return joined.refusal === null ? lost(joined.message) : { workedMs: null, refusal: joined.refusal };
  }
  onTerms(joined, run);
  // The page is drawn anew by that: the streams are opened in a task of their own.
  await breathe();

  const { account } = context.identity;
  const cursorKey = `${context.loaded.url}|${link.peer}|${account.id}`;
  const ledger = new LedgerSync({
    link,
    account: account.publicKey,
    loadCursor: () => loadCursor(store, cursorKey),
    saveCursor: (after) => saveCursor(store, cursorKey, after),
    keep: context.receipts.keep,
    onBalance: ({ settled, held, pending }) => {
      state.clearProblem('LEDGER_UNREACHABLE');
      state.update({
        credits: {
          settled: settled.toString(),
          held: held.toString(),
          pending: pending.map(({ kind, units, work }) => ({ kind, units, work: work.toString() })),
        },
      });
    },
    onStanding: (reply) =>
      state.update({ standing: standingOf(reply, context.loaded.manifest.policy, Date.now()) }),
    visible: pageVisible,
    onRoundTrip: (ms) => {
      run.meters.roundTrip = () => link.roundTripMs() ?? Math.round(ms);
    },
    onFailure: (message) => {
      if (!signal.aborted) state.addProblem(problemOf('LEDGER_UNREACHABLE', message));
    },
    signal,
  });

  run.askEvidence = (taskId) => ledger.evidence(taskId);
  run.proofs = ledger.proofs;
  const news = new News(() => sayHelloAgain(link, run, context, opened, signal), signal);
  run.onCapabilities = () => news.tell();
  // They may have changed while we joined.
  if (context.models.ready !== said) news.tell();
  const beganMs = performance.now();
  const workedMs = (): number => performance.now() - beganMs;
  try {
    const stream = await link.openStream(
      WORK_PROTOCOL,
      AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]),
    );
    void ledger.start();
    const end = await serveWork(stream, {
      desk: context.desk,
      validator: link.peer,
      maxLeases: joined.terms.maxLeases,
      onIdle: (idle) => {
        if (idle === null && state.current.idleReason === null) return;
        state.update({
          idleReason: idle === null ? null : { text: idle.reason, retryAtMs: Date.now() + idle.retryInMs },
        });
      },
      onEpoch: ({ epoch, endsInMs }) => {
        showEpoch(epoch, endsInMs, run);
        ledger.refresh();
        void ledger.standing();
      },
      onRefusal: (refusal) => state.addProblem(refusalProblem(refusal)),
      onVerdict: () => ledger.refresh(),
      onBurst: (message, send) => void run.bursts.answer(message, send),
      signal,
    });
    return { ...end, workedMs: workedMs() };
  } catch (error) {
    return { workedMs: workedMs(), refusal: null, message: errorText(error) };
  } finally {
    run.onCapabilities = () => {};
    run.askEvidence = null;
    run.proofs = null;
    run.meters.roundTrip = null;
    state.update({ idleReason: null });
  }
}

function showOnline(link: Link, run: Run): void {
  const { state } = run.deps;
  state.clearProblem('VALIDATOR_UNREACHABLE');
  if (link.fallbackReason === null) state.clearProblem('UDP_BLOCKED');
  else state.addProblem(problemOf('UDP_BLOCKED', link.fallbackReason));
  state.update(
    {
      connection: {
        status: 'online',
        transport: link.transport,
        peer: link.peer,
        roundTripMs: link.roundTripMs(),
        retryAtMs: null,
        attempts: 0,
        reason: link.fallbackReason,
      },
    },
    'now',
  );
  setStep(state, 'connect', 'done', link.transport === 'websocket' ? 'WebSocket' : 'WebRTC-Direct');
}

function showEpoch(epoch: number, endsInMs: number, run: Run): void {
  const { state } = run.deps;
  if (state.current.subnet === null) return;
  state.update({ subnet: { ...state.current.subnet, epoch, epochEndsAtMs: Date.now() + endsInMs } });
}

/** Opens a join stream and says hello; the burst, where one is asked for, is shown and run like any unit. */
async function joinOver(
  link: Link,
  run: Run,
  context: RunContext,
  opened: OpenReport,
  signal: AbortSignal,
): Promise<JoinResult> {
  const { identity, subnet } = context;
  const models = context.models.ready;
  const adapter = run.deps.state.current.adapter ?? opened.adapter;
  const hello = helloOf(identity, subnet, { hash: opened.hash, adapter, models });
  const burst = new Burst(run, context, signal);
  try {
    const stream = await link.openStream(
      JOIN_PROTOCOL,
      AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]),
    );
    const deps = { validator: link.peer, peer: identity.peer, run: (lease: Lease) => burst.run(lease) };
    const joined = await join(stream, hello, deps, signal);
    burst.judged(joined, link);
    // Checking the receipt of a burst and drawing what joining changes are two tasks.
    await breathe();
    return joined;
  } catch (error) {
    return { ok: false, refusal: null, message: errorText(error) };
  }
}

function onTerms(joined: Extract<JoinResult, { ok: true }>, run: Run): void {
  const { state } = run.deps;
  for (const code of [
    'CONNECTION_LOST',
    'JOIN_FAILED',
    'REFUSED_ALREADY_CONNECTED',
    'REFUSED_BUSY',
    'REFUSED_NOT_REGISTERED',
    'REFUSED_TOO_FEW_SHARES',
  ]) {
    state.clearProblem(code);
  }
  showEpoch(joined.terms.epoch, joined.terms.epochEndsInMs, run);
  setStep(state, 'register', 'done', joined.burst === null ? 'known already' : 'by hash burst');
  run.joined();
}

/**
 * Other models are ready than before: the validator learns it by another hello on the same connection. True when it has
 * heard.
 */
async function sayHelloAgain(
  link: Link,
  run: Run,
  context: RunContext,
  opened: OpenReport,
  signal: AbortSignal,
): Promise<boolean> {
  const { state } = run.deps;
  const joined = await joinOver(link, run, context, opened, signal);
  if (signal.aborted) return false;
  if (joined.ok) context.desk.poll();
  else if (joined.refusal !== null) state.addProblem(refusalProblem(joined.refusal));
  else state.addProblem(problemOf('JOIN_FAILED', joined.message));
  return joined.ok;
}
