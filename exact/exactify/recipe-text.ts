import type { Recipe } from '../recipe.ts';

const entry = (key: string, value: unknown): string => `${JSON.stringify(key)}: ${oneLine(value)}`;

/** JSON with a space after every comma and colon. */
function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .map(([key, inner]) => entry(key, inner))
    .join(', ')} }`;
}

/** A recipe as it is kept: one line for each value, so that differences between two recipes can be read. */
export function recipeText({ ranges, ...rest }: Recipe): string {
  const lines = Object.entries(rest).map(([key, value]) => `  ${entry(key, value)},\n`);
  const values = Object.entries(ranges).map(([key, value]) => `    ${entry(key, value)}`);
  return `{\n${lines.join('')}  "ranges": {\n${values.join(',\n')}\n  }\n}\n`;
}
