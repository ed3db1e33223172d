import { asWork, type AccountId, type PeerId } from '../../protocol/ids.ts';
import { digestOf, type ResultBody, type Unit } from '../../protocol/kinds/registry.ts';
import type { TaskResult, WorkFromNode } from '../../protocol/messages.ts';
import { FairQueue } from '../dispatch/fair-queue.ts';
import { Jobs } from '../dispatch/jobs.ts';
import { Judge } from '../dispatch/judge.ts';
import type { Kinds } from '../dispatch/lease.ts';
import { Leases } from '../dispatch/leases.ts';
import { TabSession } from '../dispatch/tab.ts';
import { WorkSource } from '../dispatch/work-source.ts';
import { Tabs } from '../net/tabs.ts';
import { accountOf, noFaults, openTestLedger, peerOf, silent, SUBNET, type TestLedger } from './ledger.ts';

/** Hash units whose right answer is their first nonce; an audit says no to the second, and fails to run on the third. */
export const testKinds = (deadlineMs: number): Kinds => ({
  nextUnit: (_kind, { seq }) => Promise.resolve(unitOf(seq)),
  check: (lease, result) =>
    result.kind === lease.unit.kind
      ? { ok: true, value: asWork(1000n) }
      : { ok: false, code: 'KIND_MISMATCH', message: 'Another kind.' },
  audit(lease, result) {
    const start = lease.unit.kind === 'hash' ? lease.unit.input.nonceStart : 0;
    const nonce = (result.kind === 'hash' ? (result.body.nonces[0] ?? 0) : 0) - start;
    if (nonce === 0) return Promise.resolve({ ok: true, evidence: { nonce } });
    if (nonce === 2) return Promise.reject(new Error('the verifier broke'));
    return Promise.resolve({ ok: false, code: 'DIGEST_MISMATCH', message: 'Wrong.', evidence: { nonce } });
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
  tabs: Tabs;
  /** A tab at work, and what it was sent. */
  tab(n: number): Promise<{ session: TabSession; sent: WorkFromNode[]; peer: PeerId; account: AccountId }>;
  close(): Promise<void>;
};

export async function openTestDispatch(
  options: { path?: string; deadlineMs?: number; auditPpm?: number } = {},
): Promise<TestDispatch> {
  const base = await openTestLedger(options.path);
  const { store, ledger, validator } = base;
  const kinds = testKinds(options.deadlineMs ?? 60_000);
  const tabs = new Tabs();
  const jobs = new Jobs({ store, ledger, models: [] });
  const leases = new Leases({
    store,
    kinds,
    jobs,
    home: { subnet: SUBNET, validator },
    onExpired: (lease) => tabs.expired(lease),
    logger: silent,
  });
  await leases.recover();
  const auditPpm = options.auditPpm ?? 1_000_000;
  const judge = new Judge({
    store,
    ledger,
    leases,
    jobs,
    kinds,
    auditPpm: () => auditPpm,
    audits: new FairQueue(2),
    faults: noFaults,
    logger: silent,
  });
  const source = new WorkSource(jobs, kinds);
  return {
    base,
    leases,
    jobs,
    judge,
    tabs,
    async tab(n) {
      const profile = {
        peer: await peerOf(n),
        account: accountOf(n),
        able: new Set(['hash' as const]),
        models: new Set<string>(),
        hashRate: 1000,
      };
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
        nextSeq: tab.nextSeq,
        allowance: tab.allowance,
        faults: noFaults,
        logger: silent,
      });
      tab.session = session;
      return { session, sent, peer: profile.peer, account: profile.account };
    },
    async close() {
      leases.close();
      for (const { session } of tabs.all()) session?.detach();
      await base.close();
    },
  };
}

type SentLease = Extract<WorkFromNode, { type: 'lease' }>;

export const leasesIn = (sent: readonly WorkFromNode[]): SentLease[] =>
  sent.filter((m): m is SentLease => m.type === 'lease');

/** A result for a lease: offset 0 is right, 1 wrong, 2 breaks the verifier. */
export function resultFor(lease: SentLease, offset = 0): TaskResult {
  const start = lease.unit.kind === 'hash' ? lease.unit.input.nonceStart : 0;
  const result: ResultBody = { kind: 'hash', body: { nonces: [start + offset] } };
  return { taskId: lease.taskId, digest: digestOf(result), result, provider: 'cpu', elapsedMs: 1 };
}
