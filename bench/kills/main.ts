import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { jsonOption, wholeNumber } from '../../subnet/commands/options.ts';
import { killSettlers, type KillsReport } from './kills.ts';

type Flags = { kills: number; validators: number[]; seed: number; json: boolean; keep: boolean };

const number = wholeNumber(1, 10_000);

const program = new Command('bench kills')
  .description(
    'Kill settling nodes with SIGKILL, at random and at every persistence point, and replay what they leave. Exits with 1 when a block was lost, forked or paid twice.',
  )
  .addOption(new Option('--kills <n>', 'in each setting').argParser(number).default(100))
  .addOption(
    new Option('--validators <n...>', 'settings: 1 is alone on SQLite, more share a PostgreSQL')
      .argParser((text: string, before: number[] | undefined) => [...(before ?? []), wholeNumber(1, 8)(text)])
      .default(undefined, '1 3'),
  )
  .addOption(new Option('--seed <n>', 'of when and whom').argParser(number).default(1))
  .option('--keep', 'also write bench/results/kills.{json,md}', false)
  .addOption(jsonOption())
  .action(
    async ({ kills, validators = [1, 3], seed, json, keep }: Partial<Flags> & Omit<Flags, 'validators'>) => {
      const log = (line: string): void => void process.stderr.write(`${line}\n`);
      const reports: KillsReport[] = [];
      for (const count of validators)
        reports.push(await killSettlers({ kills, validators: count, seed, log }));
      const asJson = `${JSON.stringify({ seed, reports }, null, 2)}\n`;
      process.stdout.write(json ? asJson : markdownOf(reports));
      if (keep) {
        const results = new URL('../results/', import.meta.url);
        await writeFile(new URL('kills.json', results), asJson);
        await writeFile(new URL('kills.md', results), markdownOf(reports));
      }
      process.exitCode = reports.some(({ broken }) => broken.length > 0) ? 1 : 0;
    },
  );

const markdownOf = (reports: readonly KillsReport[]): string =>
  [
    '# Settling nodes, killed',
    '',
    'Each kill is a `kill -9`, half of them at the named persistence points in turn, half at random moments; epochs last 0.3 s, so',
    'that most of the time something is being settled. Afterwards the ledger is replayed from its signed receipts. Lost: a header or',
    'an acknowledged receipt that was there before and is not; forked: an epoch with two headers.',
    '',
    '| setting | kills | epochs closed | receipts (acknowledged) | lost, forked, paid twice |',
    '| --- | --- | --- | --- | --- |',
    ...reports.map(
      ({ setting, kills, epochs, receipts, acknowledged, broken }) =>
        `| ${setting} | ${kills} | ${epochs} | ${receipts} (${acknowledged}) | ${broken.length === 0 ? 'none' : broken.join('; ')} |`,
    ),
    '',
    ...reports.map(
      ({ setting, where }) =>
        `- ${setting}: ${Object.entries(where)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([point, count]) => `${point} ${count}`)
          .join(', ')}`,
    ),
    '',
  ].join('\n');

/** `npm run -s bench -- kills [--kills N] [--validators N…] [--seed N] [--keep] [--json]`. */
export async function run(args: string[]): Promise<void> {
  await program.parseAsync(args, { from: 'user' });
}
