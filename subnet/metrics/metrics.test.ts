import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { boundedLabel } from './labels.ts';
import { createMetrics, noMetrics, type Judged } from './metrics.ts';

const judged: Judged = {
  kind: 'hash',
  verdict: 'accepted',
  auditPpm: 15_000,
  drawn: false,
  work: 2n ** 21n,
  checkMs: 0.5,
  workMs: 2_000,
};
const gauges = {
  tabs: 3,
  trustedTabs: 2,
  auditQueue: 1,
  medianAuditPpm: 20_000,
  escrow: 2n ** 70n,
};

/** The value of the line that starts with `series`. */
const valueOf = (text: string, series: string): number | undefined => {
  const line = text.split('\n').find((l) => l.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
};

describe('createMetrics', () => {
  it('counts verdicts, audits, their cost and what follows from them', async () => {
    const metrics = createMetrics();
    metrics.judged(judged);
    metrics.judged({
      ...judged,
      verdict: 'rejected',
      code: 'OUT_OF_RANGE',
      drawn: true,
      auditPpm: 1_000_000,
    });
    metrics.audited({ kind: 'infer', model: 'vad', outcome: 'passed', cpuMs: 39, workMs: 20, retro: false });
    metrics.audited({
      kind: 'infer',
      model: 'vad',
      outcome: 'failed',
      code: 'OUT_OF_TOLERANCE',
      cpuMs: 40,
      retro: true,
    });
    metrics.punished('infer');
    metrics.strike();
    const text = await metrics.text();
    const expected: Record<string, number> = {
      'gridtab_results_total{kind="hash",verdict="accepted",code=""}': 1,
      'gridtab_results_total{kind="hash",verdict="rejected",code="OUT_OF_RANGE"}': 1,
      'gridtab_work_accepted_total{kind="hash"}': 2 ** 21,
      'gridtab_audit_coins_drawn_total{kind="hash"}': 1,
      'gridtab_audit_probability_ratio_bucket{le="0.015",kind="hash"}': 1,
      'gridtab_audit_probability_ratio_bucket{le="1",kind="hash"}': 2,
      'gridtab_audits_total{kind="infer",model="vad",outcome="passed",when="verdict"}': 1,
      'gridtab_audits_total{kind="infer",model="vad",outcome="failed",when="vesting"}': 1,
      'gridtab_audit_failures_total{kind="infer",code="OUT_OF_TOLERANCE"}': 1,
      'gridtab_verification_cpu_seconds_total{kind="hash",stage="check"}': 0.001,
      'gridtab_verification_cpu_seconds_total{kind="infer",stage="audit"}': 0.079,
      'gridtab_audited_work_seconds_total{kind="infer",model="vad"}': 0.02,
      'gridtab_punishments_total{kind="infer"}': 1,
      gridtab_strikes_total: 1,
      gridtab_audit_drawn_ratio: 0.5,
      gridtab_verification_cost_ratio: 0.02,
    };
    for (const [series, value] of Object.entries(expected)) {
      expect([series, valueOf(text, series)]).toEqual([series, expect.closeTo(value, 9)]);
    }
    // The names an operator's dashboard builds on are all documented.
    const page = await readFile(new URL('../../docs/verification.md', import.meta.url), 'utf8');
    const names = [...text.matchAll(/^# TYPE (gridtab_\w+)/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('reads the gauges at every scrape, and gives the detection that follows from the median p', async () => {
    const metrics = createMetrics();
    expect(valueOf(await metrics.text(), 'gridtab_detection_probability_ratio{q="0.5"}')).toBeUndefined();
    metrics.observe(() => Promise.resolve(gauges));
    const text = await metrics.text();
    expect(valueOf(text, 'gridtab_tabs')).toBe(3);
    expect(valueOf(text, 'gridtab_trusted_tabs')).toBe(2);
    expect(valueOf(text, 'gridtab_audit_queue_length')).toBe(1);
    expect(valueOf(text, 'gridtab_escrow_work')).toBeCloseTo(2 ** 70, -10);
    expect(valueOf(text, 'gridtab_audit_probability_median_ratio')).toBe(0.02);
    // 1 − 0.99^100.
    expect(valueOf(text, 'gridtab_detection_probability_ratio{q="0.5"}')).toBeCloseTo(0.63397, 5);
    metrics.observe(() => Promise.reject(new Error('no database')));
    await expect(metrics.text()).rejects.toThrow('no database');
  });

  it('takes nonsense without throwing, and believes no tab that claims to have worked for ever', async () => {
    const metrics = createMetrics();
    for (const nonsense of [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300]) {
      metrics.judged({ ...judged, auditPpm: nonsense, checkMs: nonsense, workMs: nonsense });
      metrics.audited({ kind: 'hash', outcome: 'passed', cpuMs: nonsense, workMs: nonsense, retro: false });
    }
    const text = await metrics.text();
    expect(valueOf(text, 'gridtab_audited_work_seconds_total{kind="hash",model=""}')).toBe(900);
    expect(text).not.toMatch(/^gridtab_\S+ (NaN|-)/m);
  });

  it('keeps two nodes of a process apart', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.strike();
    expect(valueOf(await one.text(), 'gridtab_strikes_total')).toBe(1);
    expect(valueOf(await other.text(), 'gridtab_strikes_total')).toBe(0);
  });
});

it('bounds a label, whatever comes', () => {
  const label = boundedLabel(2);
  expect(['a', 'b', 'c', 'a', undefined].map(label)).toEqual(['a', 'b', 'other', 'a', '']);
});

it('counts nothing where there is nobody to read it', async () => {
  noMetrics.judged(judged);
  noMetrics.audited({ kind: 'hash', outcome: 'passed', cpuMs: 1, retro: false });
  noMetrics.punished('hash');
  noMetrics.strike();
  noMetrics.observe(() => Promise.resolve(gauges));
  expect(await noMetrics.text()).toBe('');
});
