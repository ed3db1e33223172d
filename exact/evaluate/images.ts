import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { errorText } from '../../protocol/outcome.ts';
import { wholeNumber } from '../../subnet/commands/options.ts';
import { canvasOf } from './pixels.ts';
import { sampleOf, SETS, type SetName } from './task.ts';
import { TASK_NAMES, taskOf } from './tasks.ts';

/**
 * Writes inputs of a model as PNGs in its own size: gridtab exact-images --model ppocr-cls --set calibration
 * --count 256 --out DIR
 */
type Flags = { model: string; set: SetName; count: number; bucket: number; out: string };

async function write({ model, set, count, bucket, out }: Flags): Promise<void> {
  const task = taskOf(model);
  const size = task.buckets[bucket];
  if (size === undefined) throw new RangeError(`${model} has ${task.buckets.length} buckets`);
  await mkdir(out, { recursive: true });
  for (let i = 0; i < count; i++) {
    const png = canvasOf(sampleOf(task, set, i, size).pixels).toBuffer('image/png');
    await writeFile(join(out, `${set}-${size.join('x')}-${String(i).padStart(5, '0')}.png`), png);
  }
}

const program = new Command('gridtab exact-images')
  .description('Write inputs of a model as PNGs: what exactify calibrates on.')
  .addOption(new Option('--model <name>', 'model').choices(TASK_NAMES).makeOptionMandatory())
  .addOption(new Option('--set <name>', 'which seed').choices(SETS).default('calibration'))
  .addOption(new Option('--count <n>', 'images').argParser(wholeNumber(1, 100_000)).default(256))
  .addOption(
    new Option('--bucket <n>', "which of the model's sizes").argParser(wholeNumber(0, 100)).default(0),
  )
  .requiredOption('--out <dir>', 'folder, made where it is missing')
  .action(write);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`images: ${errorText(error)}\n`);
  process.exitCode = 1;
}
