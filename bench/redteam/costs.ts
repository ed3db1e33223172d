import { hexToBytes } from '../../protocol/bytes.ts';
import { sealOf } from '../../protocol/kinds/infer.ts';
import { digestOf } from '../../protocol/kinds/registry.ts';
import { Random } from '../../subnet/models/random.ts';
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
    /** What a tab adds to its run: digest and seal. */
    tabCostMs: number;
    tabCostShare: number;
  }[];
};

/** κ / (M + 1) of the default policy: a tab whose last 200 units have not vested. */
export async function costOf(bench: Workbench, costs: CostMeter, vestedRate = 3 / 201): Promise<CostReport> {
  const checkCostMs = costs.checksMs.length === 0 ? 0 : median(costs.checksMs);
  const models: CostReport['models'] = [];
  for (const { name: model, sha256 } of bench.catalogue.models) {
    const audit = costs.auditsMs.get(model);
    const runs = bench.runMs.get(model);
    if (audit === undefined || runs === undefined) continue;
    const auditCostMs = median(audit);
    const runCostMs = median(runs);
    const share = (vestedRate * auditCostMs) / runCostMs;
    const tabCostMs = await tabCost(bench, sha256, model);
    models.push({
      model,
      audits: audit.length,
      auditCostMs,
      runCostMs,
      vestedAuditCostShare: share,
      vestedCostShare: share + checkCostMs / runCostMs,
      tabCostMs,
      tabCostShare: tabCostMs / runCostMs,
    });
  }
  return { checkCostMs, results: costs.checksMs.length, models };
}

/** Median time of what a tab does for verification alone: sealing interior tensors, and the digest. */
async function tabCost(bench: Workbench, sha256: string, model: string): Promise<number> {
  const random = Random.from({ domain: 'gridtab/redteam/tab-cost/1', model });
  const inputs = bench.source(model)?.sample(random) ?? [];
  const { outputs, interior } = await bench.compute(hexToBytes(sha256), inputs, 'wasm');
  const times = Array.from({ length: 500 }, () => {
    const startMs = performance.now();
    const sealed = interior.length === 0 ? {} : { sealed: sealOf(interior) };
    digestOf({ kind: 'infer', body: { outputs, ...sealed } });
    return performance.now() - startMs;
  });
  return median(times);
}
