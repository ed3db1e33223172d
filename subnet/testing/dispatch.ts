import { asWork, type AccountId, type PeerId } from '../../protocol/ids.ts';
import { digestOf, type ResultBody, type Unit } from '../../protocol/kinds/registry.ts';
import type { TaskResult, WorkFromNode } from '../../protocol/messages.ts';
import { fail, ok } from '../../protocol/outcome.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import { TRUST_POLICY } from '../config.ts';
import { Audits } from '../dispatch/audits.ts';
import { FairQueue } from '../dispatch/fair-queue.ts';
import { Jobs } from '../dispatch/jobs.ts';
import { Judge } from '../dispatch/judge.ts';
import type { Kinds } from '../dispatch/lease.ts';
import { Leases } from '../dispatch/leases.ts';
import { Openings } from '../dispatch/openings.ts';
import { noObserver } from '../dispatch/observer.ts';
import { Rechecks } from '../dispatch/rechecks.ts';
import { TabSession } from '../dispatch/tab.ts';
import { WorkSource } from '../dispatch/work-source.ts';
import type { Audit, Weight } from '../kinds/kind.ts';
import { Tabs } from '../net/tabs.ts';
import type { Store } from '../store/store.ts';
import { WHOLE_PPM } from '../trust/audit-rate.ts';
import { writeStanding } from '../trust/standing-rows.ts';
import { Trust } from '../trust/trust.ts';
import { accountOf, noFaults, openTestLedger, peerOf, silent, SUBNET, type TestLedger } from './ledger.ts';

/**
 * Hash units whose right answer is their first nonce. An audit proves the second wrong, breaks on the third, finds the fourth
 * slightly and the fifth grossly out of tolerance, and cannot be done on the sixth.
 */
export const testKinds = (deadlineMs: number, openings = false): Kinds => ({
  nextUnit: (_kind, { seq }) => Promise.resolve(unitOf(seq)),
  check: (lease, result) =>
    result.kind === lease.unit.kind
      ? { ok: true, value: asWork(1000n) }
      : { ok: false, code: 'KIND_MISMATCH', message: 'Another kind.' },
  detectionPpm: () => WHOLE_PPM,
  opens: () => openings,
  checkOpening: (_lease, _result, tensors) =>
    tensors.length === 1 ? ok(null) : fail('UNOPENED', 'One tensor was expected.'),
  audit(lease, { result }) {
    const start = lease.unit.kind === 'hash' ? lease.unit.input.nonceStart : 0;
    const nonce =
      (result?.kind === 'hash' && 'nonces' in result.body ? (result.body.nonces[0] ?? 0) : 0) - start;
    const evidence = { nonce };
    const wrong = (code: RefusalCode, weight: Weight): Audit => ({
      ok: false,
      code,
      message: 'Wrong.',
      evidence,
      weight,
    });
    switch (nonce) {
      case 0:
        return Promise.resolve({ ok: true, evidence });
      case 2:
        return Promise.reject(new Error('the verifier broke'));
      case 3:
        return Promise.resolve(wrong('OUT_OF_TOLERANCE', 'slight'));
      case 4:
        return Promise.resolve(wrong('OUT_OF_TOLERANCE', 'gross'));
      case 5:
        return Promise.resolve(wrong('VERIFIER_FAILED', 'none'));
      default:
        return Promise.resolve(wrong('DIGEST_MISMATCH', 'proof'));
    }
  },
  deadlineMs: () => deadlineMs,
  close: () => Promise.resolve(),
});

const unitOf = (seq: number): Unit => ({
  kind: 'hash',
  spec: { algorithm: 'sha256d', version: 1, bits: 0x1f03ffff },
  input: { time: seq, nonceStart: 100, nonceCount: 10 },
});

export type TestDispatch = {
  base: TestLedger;
  leases: Leases;
  jobs: Jobs;
  judge: Judge;
  openings: Openings;
  trust: Trust;
  rechecks: Rechecks;
  tabs: Tabs;
  /** A tab at work, and what it was sent. */
  tab(n: number): Promise<{ session: TabSession; sent: WorkFromNode[]; peer: PeerId; account: AccountId }>;
  close(): Promise<void>;
};

export async function openTestDispatch(
  options: { path?: string; deadlineMs?: number; auditFloorPpm?: number; openings?: boolean } = {},
): Promise<TestDispatch> {
  const base = await openTestLedger(options.path);
  const { store, ledger, validator } = base;
  const kinds = testKinds(options.deadlineMs ?? 60_000, options.openings);
  const policy = { ...TRUST_POLICY, auditFloorPpm: options.auditFloorPpm ?? 1_000_000 };
  const trust = new Trust(policy);
  const tabs = new Tabs();
  const jobs = new Jobs({ store, ledger, validator, models: [] });
  const leases = new Leases({
    store,
    kinds,
    jobs,
    home: { subnet: SUBNET, validator },
    onExpired: (lease) => tabs.expired(lease),
    onMissed: (tx, peer) => trust.missed(tx, peer),
    logger: silent,
    now: Date.now,
  });
  await leases.recover();
  const audits = new Audits(kinds, new FairQueue(2), noObserver);
  const home = { subnet: SUBNET, validator };
  const rechecks = new Rechecks({
    store,
    ledger,
    trust,
    audits,
    observer: noObserver,
    kinds,
    jobs,
    home,
    logger: silent,
  });
  const judge = new Judge({
    store,
    ledger,
    leases,
    jobs,
    kinds,
    trust,
    audits,
    observer: noObserver,
    faults: noFaults,
    logger: silent,
    now: Date.now,
  });
  const source = new WorkSource(jobs, kinds);
  const openings = new Openings((peer, message) => tabs.send(peer, message));
  return {
    base,
    leases,
    jobs,
    judge,
    openings,
    trust,
    rechecks,
    tabs,
    async tab(n) {
      const profile = {
        peer: await peerOf(n),
        account: accountOf(n),
        able: new Set(['hash' as const]),
        models: new Set<string>(),
        hashRate: 1000,
        artefact: null,
      };
      await register(store, profile);
      const sent: WorkFromNode[] = [];
      const tab = tabs.join(profile, 'test', await leases.nextSeq(profile.peer));
      const session = new TabSession({
        profile,
        send: (message) => {
          sent.push(message);
          return Promise.resolve(true);
        },
        ledger,
        leases,
        judge,
        source,
        openings,
        nextSeq: tab.nextSeq,
        allowance: tab.allowance,
        faults: noFaults,
        logger: silent,
      });
      tab.session = session;
      openings.again(profile.peer);
      return { session, sent, peer: profile.peer, account: profile.account };
    },
    async close() {
      leases.close();
      for (const { session } of tabs.all()) session?.detach();
      await base.close();
    },
  };
}

/** As a hash burst does it on the network. */
async function register(store: Store, { peer, account }: { peer: string; account: string }): Promise<void> {
  const now = Date.now();
  await store.write((tx) =>
    tx
      .insertInto('peers')
      .values({ peer, account, registered_at_ms: now, last_seen_at_ms: now })
      .onConflict((oc) => oc.doNothing())
      .execute(),
  );
}

/** Makes a peer trusted: as if it had this much work in escrow. */
export async function giveEscrow({ base }: TestDispatch, peer: string, escrow: bigint): Promise<void> {
  const { epoch } = base.ledger.current;
  const standing = { accepted: 0, escrowFrom: 0, escrow, audits: '', suspectLeft: 0 };
  const account = 'nobody';
  await base.store.write((tx) => writeStanding(tx, { peer, account, kind: 'hash', epoch }, standing));
}

type SentLease = Extract<WorkFromNode, { type: 'lease' }>;

export const leasesIn = (sent: readonly WorkFromNode[]): SentLease[] =>
  sent.filter((m): m is SentLease => m.type === 'lease');

/** A result for a lease; `offset` as in `testKinds`: 0 is right. */
export function resultFor(lease: SentLease, offset = 0): TaskResult {
  const start = lease.unit.kind === 'hash' ? lease.unit.input.nonceStart : 0;
  const result: ResultBody = { kind: 'hash', body: { nonces: [start + offset] } };
  return { taskId: lease.taskId, digest: digestOf(result), result, provider: 'cpu', elapsedMs: 1 };
}
