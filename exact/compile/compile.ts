import { sha256Hex } from '../../protocol/bytes.ts';
import { fail, type Outcome } from '../../protocol/outcome.ts';
import type { ExactProblem } from '../graph.ts';
import { importModel } from '../import/import.ts';
import type { Recipe } from '../recipe.ts';
import { compileGraph, type Compiled, type CompileOptions } from './compile-graph.ts';

/**
 * Compiles a trained model into an exact one. A function of its arguments alone: IEEE float64 in a fixed order, no model is run,
 * and the same arguments give the same bytes. `shape` is one of the recipe's buckets.
 */
export function compile(
  source: Uint8Array,
  recipe: Recipe,
  shape: readonly number[],
  options: CompileOptions = {},
): Outcome<Compiled, ExactProblem> {
  const sha256 = sha256Hex(source);
  if (recipe.source.sha256 !== sha256)
    return fail(
      'MALFORMED',
      `the recipe is for another model (sha256 ${recipe.source.sha256}, not ${sha256})`,
    );
  if (!recipe.buckets.some((bucket) => bucket.join() === shape.join()))
    return fail('DYNAMIC_SHAPE', `the recipe has no bucket [${shape.join(', ')}]`);
  const imported = importModel(source, shape);
  if (!imported.ok) return imported;
  return compileGraph(imported.value, recipe, { sha256, bytes: source.length }, options);
}
