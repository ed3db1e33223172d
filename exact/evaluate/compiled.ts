import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { compile } from '../compile/compile.ts';
import type { CompileOptions } from '../compile/compile-graph.ts';
import { recipeSchema } from '../recipe.ts';
import type { Task } from './task.ts';

const RECIPES = join(import.meta.dirname, '../recipes');

/** A task's model, compiled by the recipe that is kept with the compiler. Throws Error when there is none or it is refused. */
export async function compiledModel(
  task: Pick<Task<unknown>, 'name' | 'trained'>,
  bucket: readonly number[],
  options: CompileOptions = {},
): Promise<Uint8Array> {
  const text = await readFile(join(RECIPES, `${task.name}.json`), 'utf8');
  const recipe = v.parse(recipeSchema, JSON.parse(text));
  const compiled = compile(await readFile(task.trained), recipe, [1, ...bucket], options);
  if (!compiled.ok) throw new Error(`${task.name}: ${compiled.code}: ${compiled.message}`);
  return compiled.value.file;
}
