import { Counter, Histogram, type Registry } from 'prom-client';
import { boundedLabel } from './labels.ts';
import type { Audited, Judged, Metrics } from './metrics.ts';
import { countable, seconds } from './seconds.ts';

/** From the floor to certainty; 0.015 is where a vested tab comes to stand with the default policy. */
const PROBABILITIES = [0.01, 0.015, 0.02, 0.05, 0.1, 0.2, 0.5, 0.999, 1];

/** Counters of verdicts, audits and what they cost. */
export function auditMetrics(
  register: Registry,
): Pick<Metrics, 'judged' | 'audited' | 'punished' | 'strike'> {
  const registers = [register];
  const [kindOf, modelOf, codeOf] = [boundedLabel(), boundedLabel(), boundedLabel()];
  const results = new Counter({
    name: 'gridtab_results_total',
    help: 'Results by kind, verdict and code of refusal.',
    labelNames: ['kind', 'verdict', 'code'],
    registers,
  });
  const work = new Counter({
    name: 'gridtab_work_accepted_total',
    help: 'Verified work: hashes for hash, FLOPs for infer.',
    labelNames: ['kind'],
    registers,
  });
  const drawn = new Counter({
    name: 'gridtab_audit_coins_drawn_total',
    help: 'Results whose audit coin fell on an audit.',
    labelNames: ['kind'],
    registers,
  });
  const probability = new Histogram({
    name: 'gridtab_audit_probability_ratio',
    help: 'Probability p with which the audit coin of a result was drawn.',
    labelNames: ['kind'],
    buckets: PROBABILITIES,
    registers,
  });
  const audits = new Counter({
    name: 'gridtab_audits_total',
    help: 'Recomputed results by outcome; when: verdict (before it) or vesting (after it).',
    labelNames: ['kind', 'model', 'outcome', 'when'],
    registers,
  });
  const failures = new Counter({
    name: 'gridtab_audit_failures_total',
    help: 'Failed and impossible audits by code.',
    labelNames: ['kind', 'code'],
    registers,
  });
  const cpu = new Counter({
    name: 'gridtab_verification_cpu_seconds_total',
    help: 'Processor time of verification; stage: check (every result) or audit.',
    labelNames: ['kind', 'stage'],
    registers,
  });
  const auditCpu = new Counter({
    name: 'gridtab_audit_cpu_seconds_total',
    help: 'Processor time of audits by model.',
    labelNames: ['kind', 'model'],
    registers,
  });
  const auditedWork = new Counter({
    name: 'gridtab_audited_work_seconds_total',
    help: 'How long tabs say the audited units took them, by model.',
    labelNames: ['kind', 'model'],
    registers,
  });
  const punishments = new Counter({
    name: 'gridtab_punishments_total',
    help: 'Proven failures: escrow forfeited, score 0 for a while.',
    labelNames: ['kind'],
    registers,
  });
  const strikes = new Counter({
    name: 'gridtab_strikes_total',
    help: 'Refusals to open a result.',
    registers,
  });

  return {
    judged: (event: Judged) => {
      const kind = kindOf(event.kind);
      results.inc({ kind, verdict: event.verdict, code: codeOf(event.code) });
      if (event.verdict === 'accepted') work.inc({ kind }, countable(Number(event.work)));
      drawn.inc({ kind }, event.drawn ? 1 : 0);
      probability.observe({ kind }, countable(event.auditPpm) / 1_000_000);
      cpu.inc({ kind, stage: 'check' }, seconds(event.checkMs));
    },
    audited: (event: Audited) => {
      const [kind, model] = [kindOf(event.kind), modelOf(event.model)];
      const when = event.retro ? 'vesting' : 'verdict';
      audits.inc({ kind, model, outcome: event.outcome, when });
      if (event.outcome !== 'passed') failures.inc({ kind, code: codeOf(event.code) });
      cpu.inc({ kind, stage: 'audit' }, seconds(event.cpuMs));
      auditCpu.inc({ kind, model }, seconds(event.cpuMs));
      auditedWork.inc({ kind, model }, seconds(event.workMs ?? 0));
    },
    punished: (kind) => punishments.inc({ kind: kindOf(kind) }),
    strike: () => strikes.inc(),
  };
}
