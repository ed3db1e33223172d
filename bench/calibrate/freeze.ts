import { readFile, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { CATALOGUE_FILE } from '../../subnet/models/catalogue-files.ts';
import { type CatalogueEntry, catalogueSchema } from '../../subnet/models/entry.ts';
import type { Proposal } from './proposal.ts';

/** Longest line of the catalogue: what fits goes on one. */
const WIDTH = 110;

/** JSON as a person would write it: short objects and lists on one line. */
export function readableJson(value: unknown, indent = ''): string {
  const flat = JSON.stringify(value, null, 1)
    .replaceAll(/\n\s*/g, ' ')
    .replaceAll('[ ', '[')
    .replaceAll(' ]', ']');
  const list = Array.isArray(value);
  const isObject = typeof value === 'object' && value !== null;
  if (!isObject || (indent !== '' && indent.length + flat.length < WIDTH)) return flat;
  const inner = `${indent}  `;
  const parts = Object.entries(value).map(
    ([key, child]) => `${inner}${list ? '' : `${JSON.stringify(key)}: `}${readableJson(child, inner)}`,
  );
  return `${list ? '[' : '{'}\n${parts.join(',\n')}\n${indent}${list ? ']' : '}'}`;
}

/** The entry with what calibration found; a model of another class than T keeps its class. */
export function calibrated(entry: CatalogueEntry, proposal: Proposal): CatalogueEntry {
  const { wasmLane: _, ...rest } = entry;
  const { tolerance } = entry;
  return {
    ...rest,
    tolerance: tolerance.class === 'T' ? { ...tolerance, relativeL2: proposal.relativeL2 } : tolerance,
    ...(proposal.wasmLane === undefined ? {} : { wasmLane: proposal.wasmLane }),
  };
}

/** Freezes a proposal in the catalogue. Throws when the catalogue cannot be read or has no such model. */
export async function freeze(model: string, proposal: Proposal, file = CATALOGUE_FILE): Promise<void> {
  const { format, models } = v.parse(catalogueSchema, JSON.parse(await readFile(file, 'utf8')));
  if (!models.some(({ name }) => name === model))
    throw new Error(`there is no model ${model} in the catalogue`);
  const changed = models.map((entry) => (entry.name === model ? calibrated(entry, proposal) : entry));
  await writeFile(file, `${readableJson({ format, models: changed })}\n`);
}
