import { readFile } from 'node:fs/promises';
import { Argument, Command, Option } from 'commander';
import { errorText } from '../../protocol/outcome.ts';
import { jsonOption, printJson, wholeNumber } from '../../subnet/commands/options.ts';
import { compiledModel } from './compiled.ts';
import { evaluate, type Evaluation } from './evaluate.ts';
import { keep, markdown } from './report.ts';
import { SETS, type SetName } from './task.ts';
import { TASK_NAMES, taskOf } from './tasks.ts';

/**
 * Measures an exact model beside the one it was compiled from: gridtab exact-evaluate MODEL --set development --count 500
 */
type Flags = { set: SetName[]; count: number; bucket: number; exact?: string; json: boolean; keep: boolean };

const log = (line: string): void => void process.stderr.write(`${line}\n`);

async function run(name: string, flags: Flags): Promise<void> {
  const task = taskOf(name);
  const bucket = task.buckets[flags.bucket];
  if (bucket === undefined) throw new RangeError(`${name} has ${task.buckets.length} buckets`);
  const file = flags.exact === undefined ? await compiledModel(task, bucket) : await readFile(flags.exact);
  const evaluations: Evaluation[] = [];
  for (const set of flags.set) {
    const progress = (done: number): void => {
      if (done % 200 === 0) log(`${name}, ${set}: ${done} of ${flags.count}`);
    };
    evaluations.push(await evaluate(task, file, { set, count: flags.count, bucket, progress }));
  }
  if (flags.keep) await keep(evaluations);
  if (flags.json) printJson(evaluations);
  else process.stdout.write(markdown(evaluations));
}

const program = new Command('gridtab exact-evaluate')
  .description('Measure an exact model beside the one it was compiled from, on labelled images.')
  .addArgument(new Argument('<model>', 'model').choices(TASK_NAMES))
  .addOption(
    new Option('--set <names...>', 'which seeds; held-out is to be looked at once')
      .choices(SETS)
      .default(['development']),
  )
  .addOption(
    new Option('--count <n>', 'images of each set').argParser(wholeNumber(1, 1_000_000)).default(500),
  )
  .addOption(
    new Option('--bucket <n>', "which of the model's sizes").argParser(wholeNumber(0, 100)).default(0),
  )
  .option('--exact <file>', 'compiled model, instead of compiling by the recipe that is kept')
  .option('--keep', 'write the figures to bench/results/exact', false)
  .addOption(jsonOption())
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  log(`evaluate: ${errorText(error)}`);
  process.exitCode = 1;
}
