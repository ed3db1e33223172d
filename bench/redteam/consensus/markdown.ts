import type { ClaimReport } from './claims.ts';
import type { ConsensusReport } from './suite.ts';

const row = (...cells: (string | number)[]): string => `| ${cells.join(' | ')} |`;
const table = (head: string[], rows: string[]): string[] => [
  row(...head),
  row(...head.map(() => '---')),
  ...rows,
  '',
];
const number = (x: number): string => (Number.isFinite(x) ? x.toFixed(3) : '∞');
const measured = ({ mean, low, high }: ClaimReport): string =>
  low === mean && high === mean ? number(mean) : `${number(mean)} [${number(low)}, ${number(high)}]`;

function mustText({ must, broken }: ClaimReport): string {
  if (must === null) return '–';
  const bound =
    'atMost' in must
      ? `≤ ${must.atMost}`
      : 'atLeast' in must
        ? `≥ ${Number(must.atLeast.toFixed(3))}`
        : `around ${number(must.around)}`;
  return broken ? `${bound}: **BROKEN**` : bound;
}

/** A report for people. */
export function consensusMarkdown(report: ConsensusReport): string {
  const { games, intervals, majority, attacks, receiptCodes, broken } = report;
  const lines = [
    '# Red team: consensus',
    '',
    `Seed \`${report.seed}\`, ${report.full ? 'the full run' : 'a quick run'}: ${games.seeds} games of each attack, ${games.epochs} epochs each after six honest ones, over the product’s own functions with real signatures and commitments. One attacker, ${games.honestValidators} honest validators that share the rest of the stake and vote the verified scores to the unit, ${games.accounts} accounts whose work changes in every epoch by up to 1.6 times either way. Incomes are held against the same actor in the same game when it is honest. Each of the ${intervals.count} intervals (bootstrap over games, Clopper–Pearson for counts) has ${(100 * intervals.each).toFixed(2)} % confidence, so that all hold together with ${100 * intervals.family} % (Bonferroni).`,
    '',
    'In a *control* the defence is off, and the attack has to succeed. What is *shown* is a limit: nothing is claimed of it.',
    '',
    '## Who has the majority',
    '',
    'Without masks just above half of the stake pays whom it wants, of use or not. With masks an account without verified work gets nothing from anybody; what a majority can still do is to lean within what a mask forgives.',
    '',
    ...table(
      [
        'stake of the attacker',
        'Herfindahl index',
        'fewest validators with half',
        'no masks: an account of no use gets of the miners’ emission',
        'with masks',
        'leaning within the mask: income beside honest votes',
      ],
      majority.map(({ stake, concentration, claims }) =>
        row(
          `${stake} %`,
          number(concentration.herfindahl),
          concentration.fewestWithHalf,
          ...claims.map((claim) => `${measured(claim)}${claim.broken ? ' **BROKEN**' : ''}`),
        ),
      ),
    ),
    '## Attacks',
    '',
    ...table(
      ['attack', '', 'what it does', 'metric', 'measured', 'must be'],
      attacks.map((claim) =>
        row(claim.attack, claim.side, claim.what, claim.metric, measured(claim), mustText(claim)),
      ),
    ),
    '## What the pool of receipts refuses',
    '',
    ...table(
      ['forgery', 'refused with'],
      Object.entries(receiptCodes).map(([name, code]) => row(name, code)),
    ),
    broken.length === 0
      ? 'Everything holds.'
      : ['Broken:', '', ...broken.map((text) => `- ${text}`)].join('\n'),
    '',
  ];
  return lines.join('\n');
}
