import type { ForgerReport } from './attackers/forger-report.ts';
import type { RedTeamReport } from './red-team.ts';

const percent = (x: number): string => `${(100 * x).toFixed(x < 0.01 ? 2 : 1)} %`;
const number = (x: number): string => (Number.isFinite(x) ? x.toFixed(3) : '∞');
const codes = (of: Record<string, number>): string =>
  Object.entries(of)
    .map(([code, count]) => `${code} ${count}`)
    .join(', ');
const row = (...cells: (string | number)[]): string => `| ${cells.join(' | ')} |`;
const table = (head: string[], rows: string[]): string[] => [
  row(...head),
  row(...head.map(() => '---')),
  ...rows,
  '',
];

/** A report for people. */
export function markdownOf(report: RedTeamReport): string {
  const { intervals, honest, costs } = report;
  const lines = [
    '# Red team',
    '',
    `Seed \`${report.seed}\`, ${report.full ? 'the full run' : 'a quick run'}. Thresholds frozen beforehand: sha256 \`${report.thresholds}\`. Each of the ${intervals.count} intervals has ${percent(intervals.each)} confidence, so that all hold together with ${percent(intervals.family)} (Bonferroni).`,
    '',
    '## Forged inference',
    '',
    ...table(
      [
        'attacker',
        'trials',
        'units',
        'forged',
        'accepted',
        'units until caught',
        'until proven',
        'detection',
        'predicted',
        'reward per time',
        'reward per compute',
        'refused with',
      ],
      report.forgers.map(forgerRow),
    ),
    '## Refused always',
    '',
    ...table(
      ['attacker', 'what it does', 'tries', 'not refused', 'refused with'],
      report.attempts.map((one) => row(one.name, one.what, one.tries, one.succeeded, codes(one.codes))),
    ),
    '## What an audit misses',
    '',
    'Every unit is audited here. Tampering inside of the tolerance cannot be told from rounding: it is missed, and listed as such.',
    '',
    ...table(
      [
        'tampering',
        'what',
        'units that it changed',
        'not changed',
        'missed',
        'miss rate',
        'predicted',
        'refused with',
      ],
      report.probes.map((one) =>
        row(
          one.name,
          one.what,
          one.units,
          one.unchanged,
          one.missed,
          `${percent(one.missRate)} [${percent(one.interval.low)}, ${percent(one.interval.high)}]`,
          one.predicted === null ? '–' : percent(one.predicted),
          codes(one.codes),
        ),
      ),
    ),
    '## Honest work under many names and false claims',
    '',
    ...table(
      ['attacker', 'what', 'units', 'reward per unit of work'],
      report.crowds.map(({ name, what, units, ratio }) =>
        row(name, what, units, `${number(ratio.mean)} [${number(ratio.low)}, ${number(ratio.high)}]`),
      ),
    ),
    '## Control: a validator that pays whatever it is sent',
    '',
    ...table(
      ['attacker', 'forged', 'accepted', 'succeeded'],
      report.control.map((one) => row(one.name, one.forged, one.accepted, one.succeeded ? 'yes' : 'NO')),
    ),
    ...(honest === null
      ? []
      : [
          '## Honest tabs',
          '',
          `${honest.units} units of ${honest.tabs} tabs on ${honest.backends.join(' and ')}: ${honest.rejected} rejected, ${honest.revoked} revoked, ${honest.punished} tabs punished. At 95 %, at most ${percent(honest.rejectedAtMost)} of units are rejected; ${honest.audits} were audited, of which at most ${percent(honest.failedAuditAtMost)} fail. Not covered: ${honest.notCovered.join(', ')}. Among them: ${codes(honest.disturbances)}.`,
          '',
        ]),
    '## What it costs',
    '',
    `Medians, side by side on one machine. Checks of a result: ${costs.checkCostMs.toFixed(3)} ms (${costs.results} results). A vested tab is audited with p = 3/201. What a tab adds is its digest and, where the catalogue asks for interior tensors, their seal; on the wire that is 32 bytes for each.`,
    '',
    ...table(
      [
        'model',
        'audits',
        'audit ms',
        'run ms',
        'audits of a vested tab',
        'with checks',
        'tab adds ms',
        'of its run',
      ],
      costs.models.map((one) =>
        row(
          one.model,
          one.audits,
          one.auditCostMs.toFixed(2),
          one.runCostMs.toFixed(2),
          percent(one.vestedAuditCostShare),
          percent(one.vestedCostShare),
          one.tabCostMs.toFixed(3),
          percent(one.tabCostShare),
        ),
      ),
    ),
    '## Not run',
    '',
    ...report.notRun.map(({ row: name, reason }) => `- ${name}: ${reason}.`),
    '',
    '## Verdict',
    '',
    ...(report.broken.length === 0
      ? ['Everything that must hold does.']
      : report.broken.map((text) => `- BROKEN: ${text}`)),
    ...report.undecided.map((text) => `- undecided: ${text}`),
    '',
  ];
  return lines.join('\n');
}

function forgerRow(one: ForgerReport): string {
  const span = (of: ForgerReport['unitsUntilCaught']): string =>
    of === null ? '–' : `${of.median} [${of.low}, ${of.high}]`;
  const { detection } = one;
  const ratio = ({ mean, low, high }: ForgerReport['rewardPerTime']): string =>
    `${number(mean)} [${number(low)}, ${number(high)}]`;
  return row(
    one.name,
    one.trials,
    one.units,
    one.forged,
    one.forgedAccepted,
    span(one.unitsUntilCaught),
    span(one.unitsUntilProven),
    detection === null
      ? '–'
      : `${detection.caught}/${detection.trials} in ${detection.horizon}: ${percent(detection.rate)} [${percent(detection.interval.low)}, ${percent(detection.interval.high)}]`,
    detection === null ? '–' : percent(detection.predicted),
    ratio(one.rewardPerTime),
    ratio(one.rewardPerCompute),
    codes(one.codes),
  );
}
