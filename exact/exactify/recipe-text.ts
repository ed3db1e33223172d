import type { Recipe } from '../recipe.ts';

/** As the formatter has it, so that a recipe is committed as it was written. */
const WIDTH = 110;

const entry = (key: string, value: unknown): string => `${JSON.stringify(key)}: ${oneLine(value)}`;

/** JSON with a space after every comma and colon. */
function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, inner]) => entry(key, inner));
  return `{ ${parts.join(', ')} }`;
}

/** On one line where it fits after `before`; lists of several lists never do. */
function lines(value: unknown, indent: string, before: string, open = false): string {
  const flat = oneLine(value);
  const several = Array.isArray(value) && value.length > 1 && value.every(Array.isArray);
  if (!open && !several && indent.length + before.length + flat.length < WIDTH) return flat;
  if (typeof value !== 'object' || value === null) return flat;
  const deeper = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((inner) => `${deeper}${lines(inner, deeper, '')}`)
    : Object.entries(value).map(([key, inner]) => {
        const name = `${JSON.stringify(key)}: `;
        return `${deeper}${name}${lines(inner, deeper, name, key === 'ranges')}`;
      });
  const [left, right] = Array.isArray(value) ? '[]' : '{}';
  return `${left}\n${parts.join(',\n')}\n${indent}${right}`;
}

/** A recipe as it is kept: a line or a few for each value, so that differences between two recipes can be read. */
export const recipeText = ({ ranges, ...rest }: Recipe): string =>
  `${lines({ ...rest, ranges }, '', '', true)}\n`;
