import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { Command, Option } from 'commander';
import { jsonOption, wholeNumber } from '../../subnet/commands/options.ts';
import { measure } from './measure.ts';
import type { NetworkShape } from './network.ts';
import { markdownOf, type ConsensusReport } from './report.ts';

/** What one epoch may take at these sizes, on one core. */
const TARGET_MS = 100;
const NETWORKS: readonly NetworkShape[] = [
  { name: '64 × 10,000, all vote on all', validators: 64, columns: 10_000, raters: 64 },
  { name: '64 × 100,000, 8 raters a column', validators: 64, columns: 100_000, raters: 8 },
];
const WARM_UP = 5;

type Flags = { runs: number; json: boolean; keep: boolean };

const program = new Command('bench consensus')
  .description('Time epochs of Yuma consensus. Exits with 1 when a median is over the target.')
  .addOption(new Option('--runs <n>', 'epochs of each network').argParser(wholeNumber(1, 10_000)).default(41))
  .option('--keep', 'also write bench/results/consensus.{json,md}', false)
  .addOption(jsonOption())
  .action(async ({ runs, json, keep }: Flags) => {
    const machine = {
      node: process.versions.node,
      v8: process.versions.v8,
      cpus: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
      load: loadavg()[0] ?? 0,
    };
    const networks = NETWORKS.map((shape) => measure(shape, runs, WARM_UP));
    const broken = networks.filter(({ medianMs }) => !(medianMs < TARGET_MS)).map(({ name }) => name);
    const report: ConsensusReport = { machine, targetMs: TARGET_MS, networks, broken };
    const asJson = `${JSON.stringify(report, null, 2)}\n`;
    process.stdout.write(json ? asJson : markdownOf(report));
    if (keep) {
      const results = new URL('../results/', import.meta.url);
      await writeFile(new URL('consensus.json', results), asJson);
      await writeFile(new URL('consensus.md', results), markdownOf(report));
    }
    process.exitCode = broken.length === 0 ? 0 : 1;
  });

/** `npm run -s bench -- consensus [--runs N] [--keep] [--json]`. */
export async function run(args: string[]): Promise<void> {
  await program.parseAsync(args, { from: 'user' });
}
