import { Gauge, type Registry } from 'prom-client';
import type { Metrics } from './metrics.ts';

/** What stands now, read at every scrape. */
export type Gauges = {
  tabs: number;
  /** Tabs whose units are audited with less than certainty. */
  trustedTabs: number;
  /** Audits that wait for a thread. */
  auditQueue: number;
  /** Median over the connected tabs of the probability of their next audit, in parts per million. */
  medianAuditPpm: number;
  /** Unvested work of all peers. */
  escrow: bigint;
};

type NetworkMetrics = Pick<Metrics, 'observe'> & {
  /** Reads the gauges and sets what they say; null before `observe`. */
  read(): Promise<Gauges | null>;
};

/** Gauges of the network as it stands. */
export function networkMetrics(register: Registry): NetworkMetrics {
  const registers = [register];
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers });
  const tabs = gauge('gridtab_tabs', 'Tabs that are connected and registered.');
  const trusted = gauge('gridtab_trusted_tabs', 'Connected tabs audited with a probability below 1.');
  const queue = gauge('gridtab_audit_queue_length', 'Audits waiting for a thread.');
  const median = gauge(
    'gridtab_audit_probability_median_ratio',
    'Median over connected tabs of the probability of their next audit.',
  );
  const escrow = gauge(
    'gridtab_escrow_work',
    'Unvested inference work, in FLOPs, that proven failures would forfeit.',
  );
  let source: (() => Promise<Gauges>) | null = null;
  return {
    observe: (gauges) => {
      source = gauges;
    },
    read: async () => {
      if (source === null) return null;
      const now = await source();
      tabs.set(now.tabs);
      trusted.set(now.trustedTabs);
      queue.set(now.auditQueue);
      median.set(now.medianAuditPpm / 1_000_000);
      escrow.set(Number(now.escrow));
      return now;
    },
  };
}
