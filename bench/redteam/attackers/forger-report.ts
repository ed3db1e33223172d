import { predictedDetection } from '../statistics/detection.ts';
import { clopperPearson, median, medianInterval, type Interval } from '../statistics/intervals.ts';
import { rewardRatio, type Ratio } from '../statistics/ratio.ts';
import type { Forger } from './forgers.ts';
import type { ForgerRun } from './run-forgers.ts';

export type Detection = {
  /** Units, from the first, within which it had to happen. */
  horizon: number;
  caught: number;
  trials: number;
  rate: number;
  interval: Interval;
  /** 1 − Π(1 − p) over the forged units up to there, p as an honest tab's receipts state it; the mean over trials. */
  predicted: number;
};

export type ForgerReport = {
  name: string;
  row: string;
  what: string;
  must: Forger['must'];
  trials: number;
  units: number;
  forged: number;
  forgedAccepted: number;
  codes: Record<string, number>;
  proven: number;
  revoked: number;
  /** Units until the first refusal, and until the failure was proven; over the trials in which it came to that. */
  unitsUntilCaught: ({ median: number } & Interval) | null;
  unitsUntilProven: ({ median: number } & Interval) | null;
  detection: Detection | null;
  rewardPerTime: Ratio;
  rewardPerCompute: Ratio;
  audits: number;
  /** What must hold and does not. */
  broken: string[];
  /** What could not be decided with so few trials. */
  undecided: string[];
};

const among = (samples: readonly number[], confidence: number) =>
  samples.length === 0 ? null : { median: median(samples), ...medianInterval(samples, confidence) };

/** Weighs what came of an attacker. `confidence` is that of each interval (Bonferroni);  */
export function reportForger(run: ForgerRun, seed: string, confidence: number): ForgerReport {
  const { forger, careers } = run;
  const caught = careers.flatMap(({ caughtAt }) => (caughtAt === null ? [] : [caughtAt]));
  const proven = careers.flatMap(({ provenAt }) => (provenAt === null ? [] : [provenAt]));
  const sum = (of: (career: (typeof careers)[number]) => number): number =>
    careers.reduce((total, career) => total + of(career), 0);
  const codes: Record<string, number> = {};
  for (const career of careers)
    for (const [code, count] of Object.entries(career.codes)) codes[code] = (codes[code] ?? 0) + count;
  const report: ForgerReport = {
    name: forger.name,
    row: forger.row,
    what: forger.what,
    must: forger.must,
    trials: careers.length,
    units: sum(({ units }) => units),
    forged: sum(({ forged }) => forged),
    forgedAccepted: sum(({ forgedAccepted }) => forgedAccepted),
    codes,
    proven: proven.length,
    revoked: sum(({ revoked }) => revoked),
    unitsUntilCaught: among(caught, confidence),
    unitsUntilProven: among(proven, confidence),
    detection: forger.must.includes('formula') ? detectionOf(run, confidence) : null,
    rewardPerTime: rewardRatio(run.perTime, `${seed}/${forger.name}/time`, confidence),
    rewardPerCompute: rewardRatio(run.perCompute, `${seed}/${forger.name}/compute`, confidence),
    audits: sum(({ audits }) => audits),
    broken: [],
    undecided: [],
  };
  for (const must of forger.must) judge(must, run, report);
  return report;
}

function judge(must: Forger['must'][number], { careers, forger }: ForgerRun, report: ForgerReport): void {
  const { detection, rewardPerTime, rewardPerCompute } = report;
  switch (must) {
    case 'first-audit': {
      const passed = careers.reduce((sum, { forgedPassed }) => sum + forgedPassed, 0);
      if (passed > 0) report.broken.push(`${passed} forged units passed an audit`);
      if (report.proven < careers.length)
        report.broken.push(`${careers.length - report.proven} were not proven`);
      return;
    }
    case 'at-once': {
      const late = careers.filter(({ caughtAt, provenAt }) => caughtAt !== provenAt).length;
      if (late > 0) report.broken.push(`${late} were refused before they were proven`);
      return;
    }
    case 'formula': {
      if (detection === null) return;
      const { interval, predicted } = detection;
      if (predicted < interval.low || predicted > interval.high)
        report.broken.push(`detection ${detection.rate} is not what the formula predicts, ${predicted}`);
      return;
    }
    case 'unprofitable': {
      const cut = forger.leaveAfter === undefined && report.proven < careers.length;
      if (cut)
        report.undecided.push('trials ended before the attacker was proven: its escrow was not at stake');
      else if (rewardPerTime.high >= 1 || rewardPerCompute.high >= 1)
        (careers.length < DECIDING ? report.undecided : report.broken).push(
          'it does not earn less than an honest tab',
        );
      return;
    }
  }
}

/** An interval over fewer trials says too little to fail anybody on. */
const DECIDING = 8;

/** Within a horizon in which two thirds are caught, where the difference between two rates shows best. */
function detectionOf({ forger, careers, rates, planned }: ForgerRun, confidence: number): Detection | null {
  const steady = rates.at(-1) ?? 1;
  const { share, warm, leaveAfter, coins = 1 } = forger;
  const longest = Math.min(
    rates.length,
    ...careers
      .filter(({ caughtAt, provenAt }) => caughtAt === null && provenAt === null)
      .map(({ units }) => units),
  );
  const horizon = Math.min(leaveAfter ?? warm + Math.ceil(1 / (share * steady)), longest);
  if (horizon <= warm) return null;
  const predictions = careers.map((_, trial) =>
    predictedDetection(
      planned(trial, horizon).flatMap((at) => Array.from({ length: coins }, () => rates[at] ?? steady)),
    ),
  );
  const caught = careers.filter(
    ({ caughtAt, revoked }) => (caughtAt !== null && caughtAt <= horizon) || (coins === 2 && revoked > 0),
  ).length;
  return {
    horizon,
    caught,
    trials: careers.length,
    rate: caught / careers.length,
    interval: clopperPearson(caught, careers.length, confidence),
    predicted: predictions.reduce((sum, one) => sum + one, 0) / careers.length,
  };
}
