import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CATALOGUE_FILE } from '../../subnet/models/catalogue-files.ts';
import { catalogueSchema } from '../../subnet/models/entry.ts';
import { freeze, readableJson } from './freeze.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'gridtab-freeze-'))));
afterEach(() => rm(folder, { recursive: true }));

it('writes tolerance and lane of one model and leaves the rest', async () => {
  const file = join(folder, 'catalogue.json');
  await writeFile(file, await readFile(CATALOGUE_FILE));
  const read = async () => v.parse(catalogueSchema, JSON.parse(await readFile(file, 'utf8'))).models;
  const before = await read();
  const wasmLane = { runtime: 'onnxruntime-web@9.9.9', artefacts: ['ab'.repeat(32)] };
  await freeze('silero-vad', { worst: 1e-7, relativeL2: 4e-6, fits: true, wasmLane }, pathToFileURL(file));
  const expected = before.map((entry) =>
    entry.name === 'silero-vad'
      ? { ...entry, tolerance: { ...entry.tolerance, relativeL2: 4e-6 }, wasmLane }
      : entry,
  );
  expect(await read()).toEqual(expected);
  await freeze('silero-vad', { worst: 1e-7, relativeL2: 4e-6, fits: true }, pathToFileURL(file));
  expect((await read()).find(({ name }) => name === 'silero-vad')).not.toHaveProperty('wasmLane');
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
