import { Command } from 'commander';
import { checkDirectory, type FileReport } from '../consensus/vectors/check.ts';
import { jsonOption, printJson } from './options.ts';

type Flags = { json: boolean };

export const consensusCommand = (): Command =>
  new Command('consensus').description('Check how votes become shares.').addCommand(
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
