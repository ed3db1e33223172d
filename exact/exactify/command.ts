import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import * as v from 'valibot';
import { errorText, type Outcome } from '../../protocol/outcome.ts';
import { wholeNumber } from '../../subnet/commands/options.ts';
import { calibrate } from '../calibrate/calibrate.ts';
import { fidelity } from '../calibrate/fidelity.ts';
import { folderImages } from '../calibrate/images.ts';
import { compile } from '../compile/compile.ts';
import { TASK_NAMES, taskOf } from '../evaluate/tasks.ts';
import { recipeSchema, type Recipe } from '../recipe.ts';
import { recipeText } from './recipe-text.ts';
import { summaryLines } from './summary.ts';

/** `gridtab exactify`: a program of its own, started by the command line (subnet/cli.ts). */
type Flags = {
  calibration?: string;
  recipe?: string;
  out: string;
  report?: string;
  bucket: string;
  bits: number;
  weightBits?: number;
  inputOffset?: readonly number[];
  inputScale?: readonly number[];
  saveRecipe?: string;
  f16Weights?: boolean;
};

const ACTIVATION_BITS = 9;

function numbers(text: string): number[] {
  const list = text.split(',').map(Number);
  if (!list.every(Number.isFinite)) throw new InvalidArgumentError('numbers with commas between them.');
  return list;
}

/** The value, or an exception that the command line shows. */
function expect<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.message}`);
  return outcome.value;
}

/** A file, or one of ours with what is known of its input. */
function known(model: string): {
  path: string;
  offset?: readonly number[];
  scale?: readonly number[];
  sizes: number[][];
} {
  if (!TASK_NAMES.includes(model)) return { path: model, sizes: [] };
  const { trained, offset, scale, buckets } = taskOf(model);
  return { path: trained, offset, scale, sizes: buckets.map((bucket) => [1, ...bucket]) };
}

/** An index into what is known, or a shape like 1x3x48x192. */
function shapeOf(text: string, sizes: readonly number[][]): number[] {
  const shape = /^\d+$/.test(text) ? sizes[Number(text)] : text.split('x').map(Number);
  if (shape === undefined || !shape.every((size) => Number.isSafeInteger(size) && size > 0))
    throw new Error(`--bucket ${text}: neither the number of a known size nor a shape like 1x3x48x192`);
  return shape;
}

async function recipeFor(model: string, source: Uint8Array, flags: Flags): Promise<Recipe> {
  if (flags.recipe !== undefined)
    return v.parse(recipeSchema, JSON.parse(await readFile(flags.recipe, 'utf8')));
  const { calibration } = flags;
  if (calibration === undefined) throw new Error('give --calibration DIR, or --recipe FILE');
  const { offset, scale, sizes } = known(model);
  const shape = shapeOf(flags.bucket, sizes);
  const all = sizes.some((size) => size.join() === shape.join()) ? sizes : [shape];
  return expect(
    await calibrate(source, {
      input: {
        low: 0,
        high: 255,
        offset: [...(flags.inputOffset ?? offset ?? [0])],
        scale: [...(flags.inputScale ?? scale ?? [1 / 255])],
      },
      buckets: [shape, ...all.filter((size) => size.join() !== shape.join())],
      activationBits: flags.bits,
      weightBits: flags.weightBits,
      images: folderImages(calibration, shape.slice(1)),
      seed: basename(calibration),
    }),
  );
}

/** Enough to see where values are lost; each image runs both models with all their values as outputs. */
const COMPARED_IMAGES = 8;

async function* firstOf<T>(all: AsyncIterable<T>): AsyncGenerator<T> {
  let count = 0;
  for await (const one of all) {
    if (count++ === COMPARED_IMAGES) return;
    yield one;
  }
}

async function run(model: string, flags: Flags): Promise<void> {
  const source = await readFile(known(model).path);
  const recipe = await recipeFor(model, source, flags);
  const shape = shapeOf(flags.bucket, recipe.buckets);
  const compiled = expect(compile(source, recipe, shape, { f16Weights: flags.f16Weights ?? false }));
  const { file, report } = compiled;
  await writeFile(flags.out, file);
  const lost =
    flags.calibration === undefined
      ? undefined
      : await fidelity(source, compiled, recipe, firstOf(folderImages(flags.calibration, shape.slice(1))));
  if (flags.saveRecipe !== undefined) await writeFile(flags.saveRecipe, recipeText(recipe));
  if (flags.report !== undefined)
    await writeFile(flags.report, `${JSON.stringify({ ...report, fidelity: lost }, null, 2)}\n`);
  process.stdout.write(`${summaryLines(report, lost).join('\n')}\n`);
}

const program = new Command('gridtab exactify')
  .description('Compile a trained ONNX model into one that gives the same bits on every correct backend.')
  .argument('<model>', `path of an .onnx file, or one of ${TASK_NAMES.join(', ')}`)
  .option('--calibration <dir>', 'folder of PNG or JPEG files, to find the ranges of activations')
  .option('--recipe <file>', 'ranges found before; nothing is calibrated')
  .requiredOption('--out <file>', 'compiled model')
  .option('--report <file>', 'JSON of what was compiled')
  .option('--f16-weights', 'store weights that f16 holds at half the size; what is computed is the same')
  .option('--save-recipe <file>', 'keep what calibration found')
  .option('--bucket <size>', 'number of a known size, or the input as 1x3x48x192', '0')
  .addOption(
    new Option('--bits <n>', 'bits of an activation').argParser(wholeNumber(4, 16)).default(ACTIVATION_BITS),
  )
  .addOption(
    new Option('--weight-bits <n>', 'split sums where most weights would have fewer').argParser(
      wholeNumber(1, 16),
    ),
  )
  .addOption(
    new Option('--input-offset <list>', 'real input = (pixel − offset) · scale, by channel').argParser(
      numbers,
    ),
  )
  .addOption(new Option('--input-scale <list>', 'one number, or one a channel').argParser(numbers))
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`gridtab exactify: ${errorText(error)}\n`);
  process.exitCode = 1;
}
