import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { compile } from '../../exact/compile/compile.ts';
import { METADATA } from '../../exact/format.ts';
import { onnx } from '../../exact/onnx.ts';
import { recipeSchema } from '../../exact/recipe.ts';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { CatalogueEntry } from './entry.ts';

const RECIPES = new URL('../../exact/recipes/', import.meta.url);

/**
 * The exact model that a recipe makes of a trained one, the same bytes everywhere; a few tenths of a second to a few seconds. The
 * message of a failure names the node that cannot be compiled.
 */
export async function exactFile(
  source: Uint8Array,
  { recipe: name, bucket }: NonNullable<CatalogueEntry['exact']>,
): Promise<Outcome<{ file: Uint8Array }, 'NOT_COMPILED'>> {
  try {
    const json: unknown = JSON.parse(await readFile(new URL(`${name}.json`, RECIPES), 'utf8'));
    const recipe = v.parse(recipeSchema, json);
    const shape = recipe.buckets[bucket];
    if (shape === undefined)
      return fail('NOT_COMPILED', `recipe ${name} has ${recipe.buckets.length} buckets, none is ${bucket}`);
    const compiled = compile(source, recipe, shape);
    return compiled.ok
      ? ok({ file: compiled.value.file })
      : fail('NOT_COMPILED', `${compiled.code}: ${compiled.message}`);
  } catch (error) {
    return fail('NOT_COMPILED', `recipe ${name} cannot be used: ${errorText(error)}`);
  }
}

const bounds = v.object({ low: v.number(), high: v.number() });
const scales = v.record(v.string(), v.object({ scale: v.number() }));

/** What the file of an exact model says of itself, for the catalogue. Throws on another file. */
export function describeExact(file: Uint8Array): { input: { low: number; high: number }; scales: number[] } {
  const { metadataProps, graph } = onnx.ModelProto.decode(file);
  const read = (key: string): unknown =>
    JSON.parse(metadataProps.find((entry) => entry.key === key)?.value ?? 'null');
  const { low, high } = v.parse(bounds, read(METADATA.input));
  const byName = v.parse(scales, read(METADATA.outputs));
  const outputs = (graph?.output ?? []).map(({ name }) => byName[name ?? '']?.scale ?? 1);
  return { input: { low, high }, scales: outputs };
}
