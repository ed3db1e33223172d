import { median } from './statistics/intervals.ts';
import type { CostMeter } from './world/cost-meter.ts';
import type { Workbench } from './world/workbench.ts';

/**
 * What verification costs the validator beside what the work costs a tab, on the same machine: medians. Times differ from run
 * to run.
 */
export type CostReport = {
  /** Checks of one result: digest, shape and coin; without its decoding. */
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
  const checkCostMs = costs.checksMs.length === 0 ? 0 : median(costs.checksMs);
  const models = bench.catalogue.models.flatMap(({ name: model }) => {
    const audit = costs.auditsMs.get(model);
    const runs = bench.runMs.get(model);
    if (audit === undefined || runs === undefined) return [];
    const auditCostMs = median(audit);
    const runCostMs = median(runs);
    const share = (vestedRate * auditCostMs) / runCostMs;
    return [
      {
        model,
        audits: audit.length,
        auditCostMs,
        runCostMs,
        vestedAuditCostShare: share,
        vestedCostShare: share + checkCostMs / runCostMs,
      },
    ];
  });
  return { checkCostMs, results: costs.checksMs.length, models };
}
