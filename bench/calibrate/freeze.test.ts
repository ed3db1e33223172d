import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CATALOGUE_FILE } from '../../subnet/models/catalogue.ts';
import { catalogueSchema } from '../../subnet/models/entry.ts';
import { freeze, readableJson } from './freeze.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'gridtab-freeze-'))));
afterEach(() => rm(folder, { recursive: true }));

it('writes tolerance and lane of one model and leaves the rest', async () => {
  const file = join(folder, 'catalogue.json');
  await writeFile(file, await readFile(CATALOGUE_FILE));
  const read = async () => v.parse(catalogueSchema, JSON.parse(await readFile(file, 'utf8'))).models;
  const [first, second] = await read();
  const wasmLane = { runtime: 'onnxruntime-web@9.9.9', artefacts: ['ab'.repeat(32)] };
  await freeze('silero-vad', { worst: 1e-7, relativeL2: 4e-6, fits: true, wasmLane }, pathToFileURL(file));
  expect(await read()).toEqual([
    first,
    { ...second, tolerance: { ...second?.tolerance, relativeL2: 4e-6 }, wasmLane },
  ]);
  await freeze('silero-vad', { worst: 1e-7, relativeL2: 4e-6, fits: true }, pathToFileURL(file));
  expect((await read())[1]?.wasmLane).toBeUndefined();
  await expect(
    freeze('none', { worst: 0, relativeL2: 1e-6, fits: true }, pathToFileURL(file)),
  ).rejects.toThrow(/no model none/);
});

it('keeps the catalogue readable', async () => {
  const text = await readFile(CATALOGUE_FILE, 'utf8');
  const json: unknown = JSON.parse(text);
  expect(JSON.parse(readableJson(json))).toEqual(json);
  expect(`${readableJson(json)}\n`).toBe(text);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
});
