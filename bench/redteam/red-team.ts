import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bonferroni } from './statistics/intervals.ts';
import { FORGERS, type Forger, type Size } from './attackers/forgers.ts';
import { reportForger, type ForgerReport } from './attackers/forger-report.ts';
import { runForgers, type ForgerRun } from './attackers/run-forgers.ts';
import { ATTEMPTS, runAttempts, type AttemptReport } from './attackers/attempts.ts';
import { runHonest, type HonestReport } from './honest.ts';
import { costOf, type CostReport } from './costs.ts';
import { runProbes, type ProbeReport } from './attackers/probes.ts';
import { runCrowds, type CrowdReport } from './attackers/crowd.ts';
import { checkThresholds } from './thresholds.ts';
import { CostMeter } from './world/cost-meter.ts';
import { Workbench } from './world/workbench.ts';

export type RedTeamOptions = {
  full: boolean;
  seed: string;
  attackers?: readonly string[];
  /** Units of each forger, in place of its own. */
  units?: number;
  say: (line: string) => void;
};

export type ControlReport = { name: string; forged: number; accepted: number; succeeded: boolean };

export type RedTeamReport = {
  full: boolean;
  seed: string;
  /** SHA-256 of thresholds.json, checked before the first attacker and after the last. */
  thresholds: string;
  intervals: { family: number; each: number; count: number };
  forgers: ForgerReport[];
  attempts: AttemptReport[];
  /** What slips through when every unit is audited: of Tier T, this cannot be caught. */
  probes: ProbeReport[];
  crowds: CrowdReport[];
  control: ControlReport[];
  honest: HonestReport | null;
  costs: CostReport;
  notRun: { row: string; reason: string }[];
  broken: string[];
  undecided: string[];
  elapsedMs: number;
};

/** The family of attackers on exact models. */
const EXACT = 'exact';

/** Rows that there is nothing to attack for yet. */
const NOT_RUN = [
  {
    row: 'training: half batch, stale batch, duplicated rows, skipped step',
    reason: 'there is no training work yet',
  },
];

/** All of it, or the attackers that were named. A function of the seed but for times. */
export async function runRedTeam(options: RedTeamOptions): Promise<RedTeamReport> {
  const startMs = performance.now();
  const { full, seed, attackers, say } = options;
  const thresholds = await checkThresholds();
  const isChosen = (name: string): boolean =>
    attackers === undefined ||
    attackers.includes(name) ||
    // All of a family by its name: `exact`.
    attackers.some((family) => name.startsWith(`${family}-`) && family === EXACT);
  const chosen = <T extends { name: string }>(all: readonly T[]): T[] =>
    all.filter(({ name }) => isChosen(name));
  const forgers = chosen(FORGERS);
  const attempts = chosen(ATTEMPTS);
  const folder = await mkdtemp(join(tmpdir(), 'gridtab-redteam-models-'));
  const bench = await Workbench.open(folder);
  const costs = new CostMeter();
  try {
    // Two ratios and one rate of detection each, and the honest tabs' bound.
    const count = forgers.reduce((sum, { must }) => sum + 2 + (must.includes('formula') ? 1 : 0), 1);
    const each = bonferroni(count);
    const runs: ForgerRun[] = [];
    for (const group of byModels(forgers)) {
      say(`forging: ${group.map(({ name }) => name).join(', ')}`);
      runs.push(...(await runForgers(group, sizeOf(options), { bench, seed, checks: 'on', costs })));
    }
    const reports = runs.map((run) => reportForger(run, seed, each));
    say(`refusals: ${attempts.map(({ name }) => name).join(', ')}`);
    const refused = await runAttempts(attempts, { bench, seed, checks: 'on' });
    const wide = attackers === undefined;
    if (wide) say('what an audit misses');
    const probing = { bench, seed, confidence: each };
    const probes = wide ? await runProbes('tolerance', { ...probing, units: full ? 400 : 24 }) : [];
    if (isChosen(EXACT))
      probes.push(...(await runProbes('exact', { ...probing, units: full ? 2_000 : 200 })));
    if (wide) say('many names, and claims');
    const crowds = wide ? await runCrowds({ bench, seed, units: full ? 1_200 : 96, confidence: each }) : [];
    say('control: the same attacks on a validator that pays whatever it is sent');
    const control = await runControl(forgers, bench, seed);
    const let_in = await runAttempts(attempts, { bench, seed, checks: 'off' });
    control.push(
      ...let_in.map(({ name, tries, succeeded }) => ({
        name,
        forged: tries,
        accepted: succeeded,
        succeeded: tries > 0 && succeeded === tries,
      })),
    );
    let honest: HonestReport | null = null;
    if (wide) {
      say('honest tabs');
      honest = await runHonest({ bench, seed, units: full ? 12_000 : 600, costs });
    }
    if ((await checkThresholds()) !== thresholds)
      throw new Error('the thresholds changed while attackers ran');
    const broken = [
      ...reports.flatMap(({ name, broken: all }) => all.map((text) => `${name}: ${text}`)),
      ...refused.flatMap(({ name, broken: all }) => all.map((text) => `${name}: ${text}`)),
      ...control
        .filter(({ succeeded }) => !succeeded)
        .map(({ name }) => `${name}: failed where nothing is checked`),
      ...(full ? crowds.filter(({ ratio }) => ratio.low > 1) : []).map(
        ({ name }) => `${name}: pays more than honest work under one name`,
      ),
      ...probes.flatMap(({ name, broken: all }) => all.map((text) => `${name}: ${text}`)),
      ...(honest?.broken ?? []).map((text) => `honest tabs: ${text}`),
    ];
    return {
      full,
      seed,
      thresholds,
      intervals: { family: 0.95, each, count },
      forgers: reports,
      attempts: refused,
      probes,
      crowds,
      control,
      honest,
      costs: await costOf(bench, costs),
      notRun: NOT_RUN,
      broken,
      undecided: reports.flatMap(({ name, undecided }) => undecided.map((text) => `${name}: ${text}`)),
      elapsedMs: Math.round(performance.now() - startMs),
    };
  } finally {
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const sizeOf =
  ({ full, units }: RedTeamOptions) =>
  (forger: Forger): Size => {
    const size = full ? forger.full : forger.quick;
    return units === undefined ? size : { ...size, maxUnits: units };
  };

/** Forgers on the same models share a validator, and the honest tabs beside them. */
function byModels(forgers: readonly Forger[]): Forger[][] {
  const groups = new Map<string, Forger[]>();
  for (const forger of forgers) {
    // Newcomers are over after a few units; beside the patient ones they would only be waited for.
    const key = `${forger.models.join(' ')} ${forger.warm > 0}`;
    groups.set(key, [...(groups.get(key) ?? []), forger]);
  }
  return [...groups.values()];
}

/** The same forgers where nothing is checked: each forges from the first unit on, a dozen times at least. */
async function runControl(
  forgers: readonly Forger[],
  bench: Workbench,
  seed: string,
): Promise<ControlReport[]> {
  const bold = forgers.map((forger): Forger => ({ ...forger, warm: 0 }));
  const reports: ControlReport[] = [];
  for (const group of byModels(bold)) {
    const size = ({ share }: Forger): Size => ({ trials: 1, maxUnits: Math.ceil(4 / share) + 10 });
    for (const { forger, careers } of await runForgers(group, size, { bench, seed, checks: 'off' })) {
      const forged = careers.reduce((sum, one) => sum + one.forged, 0);
      const accepted = careers.reduce((sum, one) => sum + one.forgedAccepted, 0);
      reports.push({ name: forger.name, forged, accepted, succeeded: forged > 0 && accepted === forged });
    }
  }
  return reports;
}
