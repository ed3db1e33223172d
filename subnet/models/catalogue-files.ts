import { readdir } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const PUBLIC = new URL('../../public/', import.meta.url);

/** The catalogue that a subnet has unless it is told otherwise. */
export const CATALOGUE_FILE = new URL('catalogue.json', PUBLIC);

/**
 * The file of the catalogue that an operator names: `default`, the name of another of this repository (`ocr` is
 * public/catalogue-ocr.json), or a path, which has a dot or a slash in it.
 */
export function catalogueFile(name: string): URL {
  if (name === 'default') return CATALOGUE_FILE;
  return /^[a-z0-9-]+$/.test(name) ? new URL(`catalogue-${name}.json`, PUBLIC) : pathToFileURL(name);
}

/** Every catalogue of this repository. */
export async function catalogueFiles(): Promise<URL[]> {
  const names = await readdir(PUBLIC);
  return names
    .filter((name) => /^catalogue(-[a-z0-9-]+)?\.json$/.test(name))
    .sort()
    .map((name) => new URL(name, PUBLIC));
}
