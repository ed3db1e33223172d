import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { hex } from '../protocol/schema.ts';
import { onnxruntimeDefine } from '../scripts/onnxruntime.ts';

const ASSETS = new URL('../dist/assets/', import.meta.url).pathname;
const artefactsSchema = v.object({ artefacts: v.record(v.string(), hex(32)) });

it('tells nodes the hashes of the very runtimes that the page is built with', async () => {
  const files = (await readdir(ASSETS)).filter((file) => file.endsWith('.wasm'));
  const built = await Promise.all(
    files.map(async (file) =>
      createHash('sha256')
        .update(await readFile(join(ASSETS, file)))
        .digest('hex'),
    ),
  );
  const defined = onnxruntimeDefine()['ONNXRUNTIME'] ?? '';
  const { artefacts } = v.parse(artefactsSchema, JSON.parse(defined));
  expect(built.toSorted()).toEqual(Object.values(artefacts).toSorted());
  const workers = (await readdir(ASSETS)).filter((file) => /^main-.*\.js$/.test(file));
  expect(workers).toHaveLength(1);
  const worker = await readFile(join(ASSETS, workers[0] ?? ''), 'utf8');
  expect(built.filter((artefact) => !worker.includes(artefact))).toEqual([]);
});
