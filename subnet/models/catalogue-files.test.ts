import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { CATALOGUE_FILE, catalogueFile, catalogueFiles } from './catalogue-files.ts';

it('names the catalogues of this repository, and any file', async () => {
  const own = (name: string): string => new URL(`../../public/${name}`, import.meta.url).href;
  expect(catalogueFile('default')).toBe(CATALOGUE_FILE);
  expect(catalogueFile('ocr').href).toBe(own('catalogue-ocr.json'));
  for (const path of ['./mine', 'mine.json', '/tmp/mine', '../catalogue-ocr.json'])
    expect(catalogueFile(path).href).toBe(pathToFileURL(path).href);
  const files = await catalogueFiles();
  expect(files.map(({ href }) => href)).toEqual([own('catalogue-ocr.json'), own('catalogue.json')]);
});
