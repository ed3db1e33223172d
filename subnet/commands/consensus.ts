import { Command } from 'commander';
import { formatCredits } from '../../protocol/ids.ts';
import { SLOT_MS } from '../config.ts';
import { checkDirectory, type FileReport } from '../consensus/vectors/check.ts';
import { finalSupply, halvings, type Era } from '../consensus/yuma/chain/halvings.ts';
import { CAP } from '../ledger/emission.ts';
import { jsonOption, printJson } from './options.ts';

type Flags = { json: boolean };

export const consensusCommand = (): Command =>
  new Command('consensus')
    .description('How votes become shares, and what there is to share.')
    .addCommand(
      new Command('check')
        .description('Run every vector file of a folder on both backends. Exit 1 when one does not pass.')
        .argument('<dir>', 'folder with vector files')
        .addOption(jsonOption())
        .action(async (directory: string, { json }: Flags) => {
          const report = await checkDirectory(directory);
          if (json) printJson(report);
          else process.stdout.write(`${[...report.files.map(line), summary(report.files)].join('\n')}\n`);
          if (!report.ok) process.exitCode = 1;
        }),
    )
    .addCommand(
      new Command('schedule')
        .description('Print when the reward halves, and what is issued by then.')
        .addOption(jsonOption())
        .action(({ json }: Flags) => {
          const eras = halvings().map((era) => ({ ...era, years: years(era.start) }));
          if (json) printJson({ slotMs: SLOT_MS, cap: CAP, finalSupply: finalSupply(), eras });
          else process.stdout.write(`${[HEAD, ...eras.map(row), '', end(eras)].join('\n')}\n`);
        }),
    );

const line = ({ file, ok, checks, failed, largest, failures }: FileReport): string => {
  const errors = Object.entries(largest).map(([unit, error]) => `${unit} ${error.toPrecision(3)}`);
  const off = errors.length > 0 ? `largest error ${errors.join(', ')}` : 'no numbers';
  const head = `${ok ? 'pass' : 'FAIL'}  ${file}  ${checks} checks, ${off}`;
  return ok
    ? head
    : [head, ...failures.map((why) => `      ${why}`), ...more(failed - failures.length)].join('\n');
};

const more = (count: number): string[] => (count > 0 ? [`      and ${count} more`] : []);

const summary = (files: readonly FileReport[]): string => {
  const failed = files.filter(({ ok }) => !ok).length;
  return `${files.length} files, ${failed === 0 ? 'all pass' : `${failed} failed`}`;
};

const YEAR_MS = 365.25 * 24 * 60 * 60 * 1000;
/** Only slots count in which the node was up. */
const years = (slots: bigint): number => (Number(slots) * SLOT_MS) / YEAR_MS;

const cells = (...values: string[]): string =>
  values.map((value, i) => value.padStart([8, 14, 18, 10, 11][i] ?? 0)).join('  ');

const HEAD = cells('halvings', 'credits a slot', 'issued before', 'slots', 'after years');

const row = ({ halvings, reward, issued, slots, start }: Era): string =>
  cells(
    String(halvings),
    formatCredits(reward),
    formatCredits(issued),
    String(slots),
    years(start).toFixed(1),
  );

const end = (eras: readonly Era[]): string => {
  const slots = eras.reduce((sum, era) => sum + era.slots, 0n);
  return `In the end ${formatCredits(finalSupply())} of ${formatCredits(CAP)} credits are issued, after ${slots} slots of ${SLOT_MS / 1000} s (${years(slots).toFixed(1)} years).`;
};
