import { median } from './statistics/intervals.ts';
import type { CostMeter } from './world/cost-meter.ts';
import type { Workbench } from './world/workbench.ts';

/** What verification costs the validator beside what the work costs a tab, on the same machine. Times differ from run to run. */
export type CostReport = {
  /** Checks of one result: digest, shape, rate and coin; without its decoding. */
  checkCostMs: number;
  results: number;
  models: {
    model: string;
    audits: number;
    auditCostMs: number;
    /** One unit on WebAssembly, one thread. */
    runCostMs: number;
    /** Audits of a vested tab (p = κ / (M + 1)), as a share of the work: p × audit / run. */
    vestedAuditCostShare: number;
    /** The same with the checks that every result passes. */
    vestedCostShare: number;
  }[];
};

/** κ / (M + 1) of the default policy: a tab whose last 200 units have not vested. */
export function costOf(bench: Workbench, costs: CostMeter, vestedRate = 3 / 201): CostReport {
  const checkCostMs = costs.checks.count === 0 ? 0 : costs.checks.ms / costs.checks.count;
  const models = bench.catalogue.models.flatMap(({ name: model }) => {
    const audit = costs.audits.get(model);
    const runs = bench.runMs.get(model);
    if (audit === undefined || runs === undefined) return [];
    const auditCostMs = audit.ms / audit.count;
    const runCostMs = median(runs);
    const share = (vestedRate * auditCostMs) / runCostMs;
    return [
      {
        model,
        audits: audit.count,
        auditCostMs,
        runCostMs,
        vestedAuditCostShare: share,
        vestedCostShare: share + checkCostMs / runCostMs,
      },
    ];
  });
  return { checkCostMs, results: costs.checks.count, models };
}
