import { readFile, writeFile } from 'node:fs/promises';
import { sha256Hex } from '../../protocol/bytes.ts';
import { catalogueFiles } from './catalogue-files.ts';
import { readEntries } from './catalogue.ts';
import type { CatalogueEntry } from './entry.ts';
import { describeExact, exactFile } from './exact-file.ts';
import { flopsOf } from './flops.ts';
import { packagedPath } from './model-file.ts';

/**
 * Compiles the exact models of every catalogue anew and pins them: `node subnet/models/pin-exact.ts` writes bytes, hash, bounds,
 * scales and FLOPs into public/catalogue*.json, and nothing else of them. To be run, and its result looked at, whenever compiler or
 * recipes change.
 */
async function main(): Promise<void> {
  for (const file of await catalogueFiles()) await pin(file);
}

async function pin(catalogue: URL): Promise<void> {
  const entries = await readEntries(catalogue);
  if (!entries.ok) throw new Error(entries.message);
  for (const entry of entries.value) {
    if (entry.exact === undefined) continue;
    const file = await compiled(entry, entry.exact);
    await write(catalogue, entry.name, {
      bytes: file.length,
      sha256: sha256Hex(file),
      tolerance: { class: 'E', ...describeExact(file) },
    });
    // Counted from a run of the pinned file.
    await write(catalogue, entry.name, { flops: await flopsOf(entry.name) });
  }
}

async function compiled({ file, name }: CatalogueEntry, exact: NonNullable<CatalogueEntry['exact']>) {
  const path = packagedPath({ file });
  if (path === undefined) throw new Error(`${file.package} is not installed; run npm ci`);
  const made = await exactFile(await readFile(path), exact);
  if (!made.ok) throw new Error(`${name}: ${made.message}`);
  return made.value.file;
}

/** Puts values into a model's entry, each in the place and on the line of the one before, so that a change shows as one. */
async function write(catalogue: URL, name: string, values: Record<string, unknown>): Promise<void> {
  const text = await readFile(catalogue, 'utf8');
  const at = text.indexOf(`"name": "${name}"`);
  let entry = text.slice(at);
  const line = (value: unknown): string =>
    JSON.stringify(value, null, 1)
      .replace(/\n\s*/g, ' ')
      .replace(/\[ (.*?) \]/g, '[$1]');
  for (const [key, value] of Object.entries(values))
    entry = entry.replace(
      new RegExp(`"${key}": (.*?)(,?)\n`),
      (_, _old, comma: string) => `"${key}": ${line(value)}${comma}\n`,
    );
  await writeFile(catalogue, text.slice(0, at) + entry);
}

if (import.meta.main) await main();
