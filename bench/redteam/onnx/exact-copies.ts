import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { compile } from '../../../exact/compile/compile.ts';
import { onnx } from '../../../exact/onnx.ts';
import { recipeSchema } from '../../../exact/recipe.ts';
import { CATALOGUE_FILE } from '../../../subnet/models/catalogue-files.ts';
import { catalogueSchema } from '../../../subnet/models/entry.ts';
import { packagedPath } from '../../../subnet/models/model-file.ts';
import { withWeights } from './weights.ts';

/** Bits of an activation in the cheaper copy; the catalogue's models have nine and more. */
const COARSE_BITS = 7;

/** The largest power of two of which all values are whole multiples. */
function gridOf(values: Float32Array): number {
  let grid = 2 ** 24;
  while (values.some((value) => value % grid !== 0)) grid /= 2;
  return grid;
}

/**
 * Copies of an exact model that differ in one weight each, by one step of the grid that its tensor is on, towards zero: the
 * smallest change there is, and one that the certificate still covers.
 */
export function oneStepCopies(file: Uint8Array, copies: number): Uint8Array[] {
  let tensors = 0;
  withWeights(file, () => void (tensors += 1));
  return Array.from({ length: copies }, (_, i) => {
    const nth = Math.floor(((i + 0.5) * tensors) / copies);
    let at = 0;
    return withWeights(file, ({ values }) => {
      if (at++ !== nth) return;
      const order = [...values.keys()].sort((a, b) => Math.abs(values[a] ?? 0) - Math.abs(values[b] ?? 0));
      const middle = order.find((index, place) => place >= order.length >> 1 && values[index] !== 0) ?? 0;
      const value = values[middle] ?? 0;
      values[middle] = value - Math.sign(value) * gridOf(values);
    });
  });
}

async function entryOf(name: string) {
  const { models } = v.parse(catalogueSchema, JSON.parse(await readFile(CATALOGUE_FILE, 'utf8')));
  const entry = models.find((model) => model.name === name);
  const path = entry === undefined ? undefined : packagedPath(entry);
  if (entry?.exact === undefined || path === undefined) throw new Error(`${name} is no exact model`);
  return { exact: entry.exact, trained: new Uint8Array(await readFile(path)) };
}

/** The same trained model compiled to activations of seven bits: exact as well, cheaper to hold, and not what is paid for. */
export async function coarseCopy(name: string): Promise<Uint8Array> {
  const { exact, trained } = await entryOf(name);
  const file = new URL(`../../../exact/recipes/${exact.recipe}.json`, import.meta.url);
  const { ranges, ...recipe } = v.parse(recipeSchema, JSON.parse(await readFile(file, 'utf8')));
  const narrow = Object.entries(ranges).map(([value, { low, high }]) => [value, { low, high }] as const);
  const shape = recipe.buckets[exact.bucket] ?? [];
  const compiled = compile(
    trained,
    { ...recipe, activationBits: COARSE_BITS, ranges: Object.fromEntries(narrow) },
    shape,
  );
  if (!compiled.ok) throw new Error(compiled.message);
  return compiled.value.file;
}

/** The trained model with what goes into its last softmax as its only output, called as the exact model's. */
export async function trainedLogits(name: string): Promise<Uint8Array> {
  const { trained } = await entryOf(name);
  const model = onnx.ModelProto.decode(trained);
  const softmax = model.graph?.node?.findLast(({ opType }) => opType === 'Softmax');
  const [logits] = softmax?.input ?? [];
  const [output] = softmax?.output ?? [];
  if (softmax == null || logits === undefined || output === undefined)
    throw new Error(`${name} was not trained with a softmax at its end`);
  softmax.opType = 'Identity';
  softmax.attribute = [];
  return onnx.ModelProto.encode(model).finish();
}
