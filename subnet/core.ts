import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { AccountId, PeerId } from '../protocol/ids.ts';
import type { Manifest, Model } from '../protocol/manifest.ts';
import { Audits } from './dispatch/audits.ts';
import { CrossAudits } from './dispatch/cross-audits.ts';
import { FairQueue } from './dispatch/fair-queue.ts';
import { Jobs } from './dispatch/jobs.ts';
import { Judge } from './dispatch/judge.ts';
import { bindKinds, type Kinds, type NodeKinds } from './dispatch/lease.ts';
import { Leases } from './dispatch/leases.ts';
import { Openings } from './dispatch/openings.ts';
import { noObserver, type Observer } from './dispatch/observer.ts';
import { Rechecks } from './dispatch/rechecks.ts';
import { WorkSource } from './dispatch/work-source.ts';
import type { Faults } from './faults.ts';
import { Ledger } from './ledger/ledger.ts';
import type { Mechanism } from './ledger/settle.ts';
import { noBursts, type BurstDesk } from './net/burst-desk.ts';
import type { ValidatorContext } from './net/context.ts';
import { Tabs } from './net/tabs.ts';
import type { Store } from './store/store.ts';
import { Trust } from './trust/trust.ts';

export type CoreOptions = {
  store: Store;
  /** 32 bytes. */
  subnet: Uint8Array;
  owner: AccountId;
  /** Where this node has it. */
  ownerSeed: Uint8Array | null;
  validatorSeed: Uint8Array;
  validatorPeer: PeerId;
  validatorAccount: AccountId;
  /** 32 secret bytes. */
  auditSecret: Uint8Array;
  kinds: NodeKinds;
  models: readonly Model[];
  mechanisms: readonly Mechanism[];
  policy: Manifest['policy'];
  /** Audits that run at a time: one more than there are threads, so that none waits while a verdict is written. */
  audits: number;
  /** Milliseconds until the open epoch closes. */
  endsInMs: () => number;
  /** Timed bursts; none without it. */
  bursts?: (parts: { tabs: Tabs; ledger: Ledger }) => BurstDesk;
  observer?: Observer;
  faults: Faults;
  logger: Logger;
  /** Wall clock in milliseconds; rate limits follow it too where it is given. */
  now?: () => number;
  randomBytes?: (length: number) => Uint8Array;
};

/** Of what other validators accepted, a validator audits so much itself: as much as a steady tab is audited, and half as much again. */
const CROSS_AUDIT_PPM = 20_000;

/** A validator without its network: everything between a stream's bytes and the ledger. */
export type Core = {
  context: ValidatorContext;
  ledger: Ledger;
  jobs: Jobs;
  leases: Leases;
  judge: Judge;
  trust: Trust;
  rechecks: Rechecks;
  /** Of what other validators accepted. */
  crossAudits: CrossAudits;
  tabs: Tabs;
  bursts: BurstDesk;
  kinds: Kinds;
  audits: FairQueue;
  /** Connections are about to close: what is not opened from now on is nobody's refusal. */
  stopping(): void;
  /** Forgets leases in memory, waits for the audit in progress, ends threads. The store stays open. */
  close(): Promise<void>;
};

/** Composes a validator's parts over an open store and takes up what a previous run left. */
export async function openCore(options: CoreOptions): Promise<Core> {
  const { store, subnet, validatorPeer, models, policy, faults, logger } = options;
  const now = options.now ?? Date.now;
  const observer = options.observer ?? noObserver;
  const ledger = await Ledger.open({
    store,
    subnet,
    validator: validatorPeer,
    validatorSeed: options.validatorSeed,
    validatorAccount: options.validatorAccount,
    owner: options.owner,
    ownerSeed: options.ownerSeed,
    mechanisms: options.mechanisms,
    auditSecret: options.auditSecret,
    policy,
    faults,
    logger,
    now,
    randomBytes: options.randomBytes ?? ((length) => new Uint8Array(randomBytes(length))),
  });
  const tabs = options.now === undefined ? new Tabs() : new Tabs(options.now);
  const jobs = new Jobs({ store, ledger, validator: validatorPeer, models });
  jobs.on('queued', () => tabs.pumpAll());
  const kinds = bindKinds(options.kinds);
  const trust = new Trust(policy, now);
  const home = { subnet, validator: validatorPeer };
  const leases = new Leases({
    store,
    kinds,
    jobs,
    home,
    onExpired: (lease) => tabs.expired(lease),
    onMissed: (tx, peer) => trust.missed(tx, peer),
    logger,
    now,
  });
  await leases.recover();
  const openings = new Openings((peer, message) => tabs.send(peer, message));
  const queue = new FairQueue(options.audits);
  const audits = new Audits(kinds, queue, observer);
  const rechecks = new Rechecks({ store, ledger, trust, audits, observer, kinds, jobs, home, logger });
  const shared = { store, ledger, audits, kinds, jobs, home, logger };
  const crossAudits = new CrossAudits({ ...shared, ppm: CROSS_AUDIT_PPM });
  const judge = new Judge({
    store,
    ledger,
    leases,
    jobs,
    kinds,
    trust,
    audits,
    observer,
    faults,
    logger,
    now,
  });
  const bursts = options.bursts?.({ tabs, ledger }) ?? noBursts;
  const context: ValidatorContext = {
    subnet,
    validator: validatorPeer,
    policy,
    versions: { min: 1, max: 1 },
    store,
    ledger,
    clock: { endsInMs: options.endsInMs },
    leases,
    judge,
    openings,
    source: new WorkSource(jobs, kinds),
    tabs,
    bursts,
    faults,
    logger,
    now,
  };
  return {
    context,
    ledger,
    jobs,
    leases,
    judge,
    trust,
    rechecks,
    crossAudits,
    tabs,
    bursts,
    kinds,
    audits: queue,
    stopping() {
      judge.stopping();
      openings.close();
    },
    async close() {
      bursts.close();
      leases.close();
      await rechecks.close();
      await crossAudits.close();
      await kinds.close();
    },
  };
}
