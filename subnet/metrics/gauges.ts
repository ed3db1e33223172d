import type { FairQueue } from '../dispatch/fair-queue.ts';
import type { Tabs } from '../net/tabs.ts';
import type { Store } from '../store/store.ts';
import { auditRate, certainly } from '../trust/audit-rate.ts';
import type { TrustPolicy } from '../trust/policy.ts';
import type { Gauges } from './network.ts';

/** Peers looked up at a time. */
const PAGE = 200;

/** How the network stands, from the records of inference: three reads for every 200 tabs. */
export async function readGauges(parts: {
  store: Store;
  tabs: Tabs;
  audits: Pick<FairQueue, 'waiting'>;
  policy: TrustPolicy;
}): Promise<Gauges> {
  const { store, tabs, audits, policy } = parts;
  const peers = [...tabs.all()].map(({ profile }) => profile.peer);
  const known: number[] = [];
  for (let at = 0; at < peers.length; at += PAGE) {
    const rows = await store.db
      .selectFrom('standings')
      .select(['escrow', 'accepted', 'escrow_from', 'suspect_left'])
      .where('kind', '=', 'infer')
      .where('peer', 'in', peers.slice(at, at + PAGE))
      .execute();
    for (const { escrow, accepted, escrow_from, suspect_left } of rows) {
      const units = Math.min(policy.vestingTasks, accepted - escrow_from);
      const usual = units > 0 ? BigInt(escrow) / BigInt(units) : 1n;
      const rate = suspect_left > 0 ? certainly() : auditRate(policy, usual, BigInt(escrow));
      known.push(rate.ppm);
    }
  }
  // Tabs without a record are newcomers, audited with certainty.
  const rates = [...known, ...Array<number>(peers.length - known.length).fill(1_000_000)].sort(
    (a, b) => a - b,
  );
  const held = await store.db.selectFrom('standings').select('escrow').where('kind', '=', 'infer').execute();
  return {
    tabs: peers.length,
    trustedTabs: rates.filter((ppm) => ppm < 1_000_000).length,
    auditQueue: audits.waiting,
    medianAuditPpm: rates[Math.floor(rates.length / 2)] ?? 1_000_000,
    escrow: held.reduce((sum, { escrow }) => sum + BigInt(escrow), 0n),
  };
}
