import { subnetIdOf, type Manifest } from '../../protocol/manifest.ts';
import { errorText } from '../../protocol/outcome.ts';
import type { OpenReport } from '../../worker/contract.ts';
import type { Identity, IdentityKeeper } from '../identity/identity.ts';
import type { Store } from '../identity/store.ts';
import type { Peer } from '../peer/peer.ts';
import type { PoolOptions, WorkerPool } from '../pool/pool.ts';
import type { ReceiptBook } from '../receipts/book.ts';
import type { StateStore } from '../state/store.ts';
import type { Problem } from '../state/types.ts';
import { stayConnected } from './connect.ts';
import { UnitDesk } from './desk.ts';
import { loadManifest, type LoadedManifest, type ManifestSource } from './manifest.ts';
import type { AskEvidence } from './evidence.ts';
import { Meters } from './meters.ts';
import { ModelCare } from './model-care.ts';
import type { PageOptions } from './options.ts';
import { problemOf, workerProblem } from './problems.ts';
import { receiptDesk, type ReceiptDesk } from './receipts.ts';
import { setStep } from './steps.ts';
import { TimedBursts } from './timed-burst.ts';
import { UnitLog } from './unit-log.ts';
import { unitLabel } from './unit-row.ts';
import { verifyAndShow } from './verification.ts';
import type { VerificationReport } from '../verify/report.ts';
import type { ProofSource } from '../verify/source.ts';
import { adapterLabel, applyWorkerEvent, showAdapter } from './worker-events.ts';

/** Longest GPU dispatch to aim for (performance.md, Scheduling: slices at or under 16 ms). */
const SLICE_MS = 12;
/** Verdicts on their way when the tab stops are waited for this long; later ones are read from the ledger next time. */
const STOP_GRACE_MS = 750;

export type PoolLike = Pick<
  WorkerPool,
  'open' | 'prepare' | 'keepModels' | 'run' | 'burst' | 'cancel' | 'close'
>;

/** Everything a run touches outside itself. */
export type RunDeps = {
  state: StateStore;
  store: Store;
  book: ReceiptBook;
  identity: Pick<IdentityKeeper, 'open'>;
  manifest: ManifestSource;
  options: PageOptions;
  /** Whether the page was served over HTTPS. */
  secureOrigin: boolean;
  /** Fires `online` when the network is back: the window. */
  network: EventTarget;
  createPool: (handlers: Pick<PoolOptions, 'onEvent' | 'onCrash' | 'onPrepared'>) => PoolLike;
  startPeer: (privateKey: Identity['privateKey']) => Promise<Peer>;
};

/** What is known once identity and manifest are there; fixed for the run, but for the manifest's newer versions. */
export type RunContext = {
  identity: Identity;
  subnet: Uint8Array;
  loaded: LoadedManifest;
  desk: UnitDesk;
  receipts: ReceiptDesk;
  units: UnitLog;
  peer: Peer;
  /** Settles when the worker has said what it can do. */
  opened: Promise<OpenReport | null>;
  models: ModelCare;
};

/** From Start to Stop: makes everything, keeps it going, and takes it down again. */
export class Run {
  readonly deps: RunDeps;
  readonly #abort = new AbortController();
  readonly #onJoined: () => void;
  readonly #meters: Meters;
  readonly #pool: PoolLike;
  /** Answers the validator's timed measurements. */
  readonly bursts: TimedBursts;
  #context: RunContext | null = null;
  #failure: Problem | null = null;
  #modelsStarted = false;
  #joined = false;
  #verified = false;
  #onCapabilities: () => void = () => {};
  /** Asks the validator about one of the tab's own tasks, while it is connected. */
  askEvidence: AskEvidence | null = null;
  /** What rewards are verified with, while the tab is connected. */
  proofs: ProofSource | null = null;

  constructor(deps: RunDeps, onJoined: () => void) {
    this.deps = deps;
    this.#onJoined = onJoined;
    this.#meters = new Meters(deps.state);
    this.#pool = deps.createPool({
      onEvent: (event) => {
        if (event.type === 'model-lost') this.#context?.models.lost(event.sha256, event.message);
        else applyWorkerEvent(event, deps.state, this.#meters);
      },
      onPrepared: (sha256, outcome) => this.#context?.models.prepared(sha256, outcome),
      onCrash: ({ reason, unloaded }) =>
        deps.state.addProblem(problemOf(unloaded ? 'WORKER_UNLOADED' : 'WORKER_CRASHED', reason)),
    });
    this.bursts = new TimedBursts(this.#pool);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get meters(): Meters {
    return this.#meters;
  }

  get pool(): PoolLike {
    return this.#pool;
  }

  /** Runs until stopped; gives the problem it ended with, or null. Never rejects. */
  async live(trust: boolean): Promise<Problem | null> {
    try {
      const context = await this.#prepare(trust);
      if (context !== null) await stayConnected(this, context);
    } catch (error) {
      if (!this.signal.aborted) this.fail(problemOf('PAGE_FAILED', errorText(error)));
    }
    this.#abort.abort();
    this.#meters.stop();
    await Promise.all([this.#pool.close(), this.#context?.peer.stop().catch(() => {})]);
    return this.#failure;
  }

  /** Ends the run with a problem that only the person can do something about. */
  fail(problem: Problem): void {
    this.#failure ??= problem;
    this.#abort.abort();
  }

  /** Hands back what is held, waits a moment for verdicts under way, ends everything. */
  async stop(): Promise<void> {
    const desk = this.#context?.desk;
    desk?.pause('the tab was stopped');
    this.bursts.pause();
    await desk?.settled(STOP_GRACE_MS);
    this.#abort.abort();
  }

  pause(reason: string): void {
    this.#context?.desk.pause(reason);
    this.bursts.pause();
  }

  resume(): void {
    this.#context?.desk.resume();
    this.bursts.resume();
  }

  /** Called when the models that are ready change, until the next listener takes the place. */
  set onCapabilities(listener: () => void) {
    this.#onCapabilities = listener;
  }

  /** The tab has joined: on the first time it counts as running. */
  joined(): void {
    if (!this.#joined) {
      const { milestones } = this.deps.state.current;
      this.deps.state.update({
        milestones: { ...milestones, joinedMs: milestones.joinedMs ?? performance.now() },
      });
      this.#joined = true;
      this.#onJoined();
    }
    this.#startModels();
  }

  async #prepare(trust: boolean): Promise<RunContext | null> {
    const { deps } = this;
    const { state } = deps;
    setStep(state, 'identity', 'active');
    setStep(state, 'manifest', 'active');
    const [identity, loaded] = await Promise.all([
      deps.identity.open(),
      loadManifest(deps.manifest, trust, this.signal),
      deps.book.load().then(() => state.update({ receipts: deps.book.view })),
    ]);
    if (!deps.store.durable) state.addProblem(problemOf('STORAGE_BLOCKED'));
    if (this.signal.aborted) return null;
    if (!identity.ok) {
      setStep(state, 'identity', 'failed', identity.message);
      this.fail(problemOf(identity.code, identity.message));
      return null;
    }
    const { peer: peerId, account, slot, privateKey } = identity.value;
    state.update({ identity: { peer: peerId, account: account.id, slot } });
    setStep(state, 'identity', 'done', `slot ${slot}`);
    if (!loaded.ok) {
      setStep(state, 'manifest', 'failed', loaded.message);
      if (loaded.foreign !== undefined) state.update({ foreign: loaded.foreign });
      this.fail(problemOf(loaded.code, loaded.message));
      return null;
    }
    const { manifest } = loaded.value;
    state.update({
      subnet: { name: manifest.name, owner: manifest.owner, epoch: null, epochEndsAtMs: null },
    });
    setStep(state, 'manifest', 'done', manifest.name);

    const opened = this.#openWorker();
    setStep(state, 'connect', 'active');
    const peer = await deps.startPeer(privateKey);
    const context = this.#contextOf(identity.value, loaded.value, peer, opened);
    this.#context = context;
    return context;
  }

  #contextOf(
    identity: Identity,
    loaded: LoadedManifest,
    peer: Peer,
    opened: Promise<OpenReport | null>,
  ): RunContext {
    const { state, book, options, network } = this.deps;
    const subnet = subnetIdOf(loaded.manifest);
    const units = new UnitLog(state);
    const receipts = receiptDesk({
      book,
      state,
      subnet,
      account: identity.account.publicKey,
      manifest: () => this.manifest,
      onVerified: () => this.#onVerified(),
    });
    const models = new ModelCare({
      pool: this.#pool,
      state,
      options,
      loaded: () => context.loaded,
      signal: this.signal,
      network,
      onChange: () => this.#onCapabilities(),
    });
    const desk = new UnitDesk({
      subnet,
      peer: identity.peer,
      run: async (task) => {
        const outcome = await this.#pool.run(task);
        models.ran(task.unit, outcome);
        return outcome;
      },
      unable: (unit) => models.unable(unit),
      cancel: (taskId) => this.#pool.cancel(taskId),
      label: (lease) => unitLabel(lease.unit, this.manifest.models),
      onUnit: (row) => units.put(row),
      onDone: ({ result }) => {
        if (result.kind === 'infer') this.#meters.inferred();
      },
      onReceipt: receipts.claim,
      onProblem: (code, message) => {
        if (code === 'WORKER_FAILED') this.fail(problemOf(code, message));
        else if (code !== 'ABORTED') state.addProblem(workerProblem(code, message));
      },
      nowMs: () => Date.now(),
    });
    const context: RunContext = { identity, subnet, loaded, desk, receipts, units, peer, opened, models };
    return context;
  }

  /** The newest manifest this run has seen. Only after identity and manifest are there. */
  get manifest(): Manifest {
    if (this.#context === null) throw new Error('the manifest is not here yet');
    return this.#context.loaded.manifest;
  }

  /** Checks what this tab can know of its rewards, and shows it. Null while it is not connected. */
  async verify(): Promise<VerificationReport | null> {
    if (this.#context === null || this.proofs === null) return null;
    const { subnet, identity } = this.#context;
    const who = { subnet, owner: this.manifest.owner, account: identity.account };
    return await verifyAndShow(this.deps, who, this.proofs);
  }

  async #openWorker(): Promise<OpenReport | null> {
    const { state, options } = this.deps;
    setStep(state, 'adapter', 'active');
    const opened = await this.#pool.open({ sliceMs: SLICE_MS, adapter: options.adapter });
    if (this.signal.aborted) return null;
    if (opened.ok) state.clearProblem('WORKER_UNLOADED');
    if (!opened.ok) {
      setStep(state, 'adapter', 'failed', opened.message);
      this.fail(problemOf('WORKER_FAILED', `${opened.code}: ${opened.message}`));
      return null;
    }
    const { adapter } = opened.value;
    showAdapter(adapter, state);
    setStep(state, 'adapter', 'done', adapterLabel(adapter));
    return opened.value;
  }

  #onVerified(): void {
    const { milestones } = this.deps.state.current;
    if (milestones.firstVerifiedMs === null) {
      this.deps.state.update({ milestones: { ...milestones, firstVerifiedMs: performance.now() } });
    }
    this.#verified = true;
    this.#startModels();
  }

  /** Models are fetched once hash work has proven itself, so that the first credit needs no download. */
  #startModels(): void {
    const context = this.#context;
    if (context === null || this.#modelsStarted || !this.#joined) return;
    const { kinds, models } = this.manifest;
    const pays = (kind: string): boolean =>
      kinds.some((entry) => entry.kind === kind && entry.emissionPpm > 0);
    if (!this.#verified && pays('hash')) return;
    this.#modelsStarted = true;
    if (pays('infer') && models.length > 0) void context.models.prepareAll(models);
    else setStep(this.deps.state, 'models', 'done', 'none asked for');
  }
}
