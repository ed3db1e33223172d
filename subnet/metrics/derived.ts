import { Gauge, type Registry } from 'prom-client';
import type { Audited, Judged } from './metrics.ts';
import type { Gauges } from './network.ts';
import { seconds } from './seconds.ts';

/** Shares of its tasks that a selective attacker falsifies, as in the red team's report. */
const CHEAT_SHARES = [1, 0.5, 0.1, 0.05, 0.02, 0.005];
/** Tasks within which the cheat is to be caught: about three minutes of hash units. */
const TASKS = 100;

/**
 * Probability that a tab which falsifies a share `q` of its results is audited on at least one of them within `n` tasks, each
 * audited with probability `p`: 1 − (1 − p·q)^n (docs/verification.md).
 */
export const detection = (p: number, q: number, n: number): number => 1 - (1 - p * q) ** n;

/** Figures an operator would otherwise work out of the counters, over everything since the node started. */
export function derivedMetrics(register: Registry) {
  const registers = [register];
  const auditRate = new Gauge({
    name: 'gridtab_audit_drawn_ratio',
    help: 'Share of results since the start whose coin fell on an audit.',
    registers,
  });
  const cost = new Gauge({
    name: 'gridtab_verification_cost_ratio',
    help: 'Processor time of verification since the start over the time that tabs say their units took.',
    registers,
  });
  const detected = new Gauge({
    name: 'gridtab_detection_probability_ratio',
    help: `Probability that a tab falsifying a share q of ${TASKS} tasks is caught, at the median p.`,
    labelNames: ['q'],
    registers,
  });
  const sums = { judged: 0, drawn: 0, cpu: 0, work: 0 };
  const show = (): void => {
    if (sums.judged > 0) auditRate.set(sums.drawn / sums.judged);
    if (sums.work > 0) cost.set(sums.cpu / sums.work);
  };
  return {
    judged(event: Judged): void {
      sums.judged += 1;
      if (event.drawn) sums.drawn += 1;
      sums.cpu += seconds(event.checkMs);
      sums.work += seconds(event.workMs ?? 0);
      show();
    },
    audited(event: Audited): void {
      sums.cpu += seconds(event.cpuMs);
      show();
    },
    medianAuditPpm(gauges: Gauges | null): void {
      if (gauges === null) return;
      const p = gauges.medianAuditPpm / 1_000_000;
      for (const q of CHEAT_SHARES) detected.set({ q: String(q) }, detection(p, q, TASKS));
    },
  };
}
