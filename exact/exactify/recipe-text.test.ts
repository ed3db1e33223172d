import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { recipeSchema } from '../recipe.ts';
import { recipeText } from './recipe-text.ts';

const folder = join(import.meta.dirname, '../recipes');

it.each(readdirSync(folder))('%s is kept as it is written', (name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  const recipe: unknown = JSON.parse(text);
  v.assert(recipeSchema, recipe);
  expect(recipeText(recipe)).toBe(text);
});
