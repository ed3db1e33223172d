import { Command, Option } from 'commander';
import { TASK_NAMES } from '../../exact/evaluate/tasks.ts';
import { jsonOption, printJson, wholeNumber } from '../../subnet/commands/options.ts';
import { BACKENDS, runBench, type BackendName, type Report } from './bench.ts';
import { keepReport, markdownOf } from './report.ts';

type Flags = {
  models: string[];
  backends: BackendName[];
  images: number;
  webgpuImages: number;
  few: number;
  browserFew: number;
  webgpuFew: number;
  inside: number;
  runs: number;
  webgpuRuns: number;
  json: boolean;
  keep: string | null;
};

const log = (line: string): void => void process.stderr.write(`${line}\n`);
const count = (min: number) => wholeNumber(min, 10_000_000);

const program = new Command('bench exact')
  .description(
    'Compare the outputs of exact models over backends, batch sizes and levels of rewriting; time them.',
  )
  .addOption(new Option('--models <names...>', 'models').choices(TASK_NAMES).default(['ppocr-cls']))
  .addOption(new Option('--backends <names...>', 'backends').choices(BACKENDS).default([...BACKENDS]))
  .addOption(new Option('--images <n>', 'images, run plainly').argParser(count(1)).default(200))
  .addOption(new Option('--webgpu-images <n>', 'the same on WebGPU').argParser(count(1)).default(16))
  .addOption(new Option('--few <n>', 'images, run in every other way').argParser(count(1)).default(24))
  .addOption(new Option('--browser-few <n>', 'the same in Chromium').argParser(count(0)).default(8))
  .addOption(new Option('--webgpu-few <n>', 'the same on WebGPU').argParser(count(0)).default(2))
  .addOption(new Option('--inside <n>', 'images with all interior values').argParser(count(1)).default(8))
  .addOption(new Option('--runs <n>', 'single images timed').argParser(count(1)).default(100))
  .addOption(new Option('--webgpu-runs <n>', 'the same on WebGPU').argParser(count(1)).default(10))
  .addOption(new Option('--keep <name>', 'also write bench/results/<name>.{json,md}').default(null))
  .addOption(jsonOption())
  .action(async ({ json, keep, ...options }: Flags) => {
    const each = keep === null ? {} : { each: (report: Report) => keepReport(report, keep) };
    const report = await runBench({ ...options, ...each, log });
    if (json) printJson(report);
    else process.stdout.write(markdownOf(report));
    process.exitCode = report.broken.length === 0 ? 0 : 1;
  });

/** `npm run -s bench -- exact [options]`. Exits with 1 when something that must hold does not. */
export async function run(args: string[]): Promise<void> {
  await program.parseAsync(args, { from: 'user' });
}
