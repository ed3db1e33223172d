import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../protocol/bytes.ts';
import { CHUNK_BYTES } from '../../protocol/limits.ts';
import { modelSchema } from '../../protocol/manifest.ts';
import { CATALOGUE_FILE } from './catalogue-files.ts';
import { openCatalogue } from './catalogue.ts';
import type { CatalogueEntry } from './entry.ts';
import { describeExact } from './exact-file.ts';
import { flopsOf } from './flops.ts';
import { installedRuntime } from './runtime.ts';
import { sourceOf } from './sources.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'gridtab-catalogue-'))));
afterEach(() => rm(folder, { recursive: true }));

const shipped = async () =>
  JSON.parse(await readFile(CATALOGUE_FILE, 'utf8')) as { format: 1; models: CatalogueEntry[] };

/** Opens the shipped catalogue with its VAD entry changed. */
async function openWith(
  change: Partial<CatalogueEntry> | Record<string, unknown>,
  options: { name?: string; dataDir?: string; warn?: (message: string) => void } = {},
) {
  const { models } = await shipped();
  const { name = 'silero-vad', dataDir = folder, ...rest } = options;
  const entry = models.find((model) => model.name === name);
  const path = join(folder, 'catalogue.json');
  await writeFile(path, JSON.stringify({ format: 1, models: [{ ...entry, ...change }] }));
  return await openCatalogue({ dataDir, file: pathToFileURL(path), ...rest });
}

describe('openCatalogue', () => {
  it('gives models as the manifest lists them, with their files', async () => {
    const opened = await openCatalogue({ dataDir: folder });
    if (!opened.ok) throw new Error(opened.message);
    const { models, modelOf, fileOf } = opened.value;
    expect(models.map(({ name }) => name)).toEqual(['ppocr-cls', 'ppocr-cls-exact', 'silero-vad']);
    for (const model of models) {
      expect(v.parse(modelSchema, model)).toEqual(model);
      expect(sourceOf(model.name)).not.toBeNull();
      expect(modelOf(model.sha256)).toBe(model);
      const file = await readFile(fileOf(model.sha256)?.path ?? '');
      expect(file.length).toBe(fileOf(model.sha256)?.bytes);
      expect(sha256Hex(file)).toBe(model.sha256);
      const chunks = model.chunks.map((_, i) =>
        sha256Hex(file.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)),
      );
      expect(chunks).toEqual(model.chunks);
      expect(model.chunks).toHaveLength(Math.ceil(file.length / CHUNK_BYTES));
    }
    expect(fileOf('0'.repeat(64))).toBeNull();
    expect(modelOf('0'.repeat(64))).toBeNull();
    expect(sourceOf('constructor')).toBeNull();
  });

  it('computes a known answer once, keeps it, and mends a damaged one', async () => {
    const first = await openWith({});
    const answers = join(folder, 'known-answers');
    const [name = ''] = await readdir(answers);
    const kept = await readFile(join(answers, name), 'utf8');
    await writeFile(join(answers, name), kept.replace(/[A-Za-z]{8}/, 'AAAAAAAA'));
    const second = await openWith({});
    // Same shape, other data: taken from the file, so nothing was computed.
    expect(second.ok && first.ok && second.value.models[0]?.knownAnswer).not.toEqual(
      first.ok && first.value.models[0]?.knownAnswer,
    );
    for (const damaged of ['', '{"outputs":["AAAA"]}', '{"outputs":["AAAA","AAAA"]}', '{"outputs":[1,2]}']) {
      await writeFile(join(answers, name), damaged);
      expect(JSON.stringify(await openWith({}))).toBe(JSON.stringify(first));
      expect(await readFile(join(answers, name), 'utf8')).toBe(kept);
    }
  });

  it('goes on, and says so, where the answer cannot be kept', async () => {
    await writeFile(join(folder, 'file'), '');
    const warnings: string[] = [];
    const unwritable = { dataDir: join(folder, 'file'), warn: (text: string) => void warnings.push(text) };
    expect((await openWith({}, unwritable)).ok).toBe(true);
    expect(warnings).toHaveLength(1);
  });

  it('keeps the file it makes for interior tensors, and mends a damaged one', async () => {
    const first = await openWith({}, { name: 'ppocr-cls' });
    const [model] = first.ok ? first.value.models : [];
    const path = (first.ok && first.value.fileOf(model?.sha256 ?? '')?.path) || '';
    expect(path.startsWith(join(folder, 'models'))).toBe(true);
    const made = await readFile(path);
    await writeFile(path, made.subarray(1));
    expect(JSON.stringify(await openWith({}, { name: 'ppocr-cls' }))).toBe(JSON.stringify(first));
    expect(sha256Hex(await readFile(path))).toBe(model?.sha256);

    await writeFile(join(folder, 'file'), '');
    expect(await openWith({}, { name: 'ppocr-cls', dataDir: join(folder, 'file') })).toMatchObject({
      ok: false,
      code: 'MODEL_MISSING',
    });
    const interior = [{ name: 'nothing', dtype: 'float32', dims: [1] }];
    expect(await openWith({ interior }, { name: 'ppocr-cls' })).toMatchObject({ code: 'MODEL_CHANGED' });
  });

  it('compiles the exact model once, the same bytes as pinned, and mends a damaged one', async () => {
    const exact = { name: 'ppocr-cls-exact' };
    const first = await openWith({}, exact);
    const [model] = first.ok ? first.value.models : [];
    expect(model).not.toHaveProperty('exact');
    const path = (first.ok && first.value.fileOf(model?.sha256 ?? '')?.path) || '';
    const made = await readFile(path);
    expect(describeExact(made)).toEqual({
      input: { low: 0, high: 255 },
      scales: model?.tolerance.class === 'E' ? model.tolerance.scales : [],
    });
    await writeFile(path, made.subarray(1));
    expect(JSON.stringify(await openWith({}, exact))).toBe(JSON.stringify(first));
    expect(sha256Hex(await readFile(path))).toBe(model?.sha256);
    for (const wrong of [
      { exact: { recipe: 'none', bucket: 0 } },
      { exact: { recipe: 'ppocr-cls', bucket: 200 } },
      { file: { package: '@ricky0123/vad-web', path: 'dist/silero_vad_v5.onnx' } },
    ])
      expect(await openWith({ ...wrong, sha256: 'ab'.repeat(32) }, exact)).toMatchObject({
        ok: false,
        code: 'MODEL_MISSING',
      });
  });

  it('leaves the WASM lane out where this node recomputes on another runtime, and says so', async () => {
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const artefacts = ['ab'.repeat(32)];
    const here = { runtime: await installedRuntime(), artefacts };
    const laned = await openWith({ wasmLane: here }, { warn });
    expect(laned.ok && laned.value.models[0]?.wasmLane).toEqual(here);
    expect(warnings).toEqual([]);
    const other = await openWith({ wasmLane: { runtime: 'onnxruntime-web@0.0.1', artefacts } }, { warn });
    expect(other.ok && other.value.models[0]?.wasmLane).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });

  it('names what is wrong with a file', async () => {
    const changed = await openWith({ sha256: 'ab'.repeat(32) });
    expect(changed).toMatchObject({
      ok: false,
      code: 'MODEL_CHANGED',
      message: expect.stringMatching(
        /silero_vad_v5.onnx has 2327524 bytes with sha256 2623a295.*pins/,
      ) as string,
    });
    expect(await openWith({ bytes: 7 })).toMatchObject({ code: 'MODEL_CHANGED' });
    const missing = { package: '@ricky0123/vad-web', path: 'dist/none.onnx' };
    expect(await openWith({ file: missing })).toMatchObject({ code: 'MODEL_MISSING' });
    expect(await openWith({ file: { package: 'not-installed-here', path: 'x' } })).toMatchObject({
      code: 'MODEL_MISSING',
      message: expect.stringMatching(/npm ci/) as string,
    });
  });

  it('refuses a compiled model that equality cannot hold to account', async () => {
    for (const change of [
      { tolerance: { class: 'T', relativeL2: 1e-4, floor: 1e-3 } },
      { tolerance: { class: 'E' } },
      { outputs: [{ name: 'softmax_0.tmp_0', dtype: 'float32', dims: [1, 2] }] },
    ])
      expect(await openWith(change, { name: 'ppocr-cls-exact' })).toMatchObject({
        ok: false,
        code: 'CATALOGUE_MALFORMED',
      });
  });

  it('refuses a catalogue that is not one', async () => {
    const outside = { package: '@ricky0123/vad-web', path: '../../package.json' };
    for (const change of [{ flops: -1 }, { extra: 1 }, { file: outside }, { sha256: 'x' }, { inputs: [] }]) {
      expect(await openWith(change)).toMatchObject({ ok: false, code: 'CATALOGUE_MALFORMED' });
    }
    const { models } = await shipped();
    const path = join(folder, 'twice.json');
    await writeFile(path, JSON.stringify({ format: 1, models: [models[0], models[0]] }));
    expect(await openCatalogue({ dataDir: folder, file: pathToFileURL(path) })).toMatchObject({
      code: 'CATALOGUE_MALFORMED',
    });
    await mkdir(join(folder, 'directory'));
    const directory = pathToFileURL(join(folder, 'directory'));
    expect(await openCatalogue({ dataDir: folder, file: directory })).toMatchObject({
      code: 'CATALOGUE_MALFORMED',
    });
  });

  it('refuses a signature that is not the model’s', async () => {
    const state = { name: 'stateN', dtype: 'float32', dims: [2, 1, 64] };
    const wrong = await openWith({ outputs: [{ name: 'output', dtype: 'float32', dims: [1, 1] }, state] });
    expect(wrong).toMatchObject({
      code: 'KNOWN_ANSWER',
      message: expect.stringMatching(/another signature/) as string,
    });
    const none = await openWith({ outputs: [{ name: 'nothing', dtype: 'float32', dims: [1] }] });
    expect(none).toMatchObject({ code: 'KNOWN_ANSWER' });
  });
});

describe('FLOPs', () => {
  it('of every entry are those of a profiled run', { timeout: 60_000 }, async () => {
    for (const { name, flops } of (await shipped()).models)
      expect([name, await flopsOf(name)]).toEqual([name, flops]);
  });
});
