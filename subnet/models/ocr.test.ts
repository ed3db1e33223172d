import { createCanvas } from '@napi-rs/canvas';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overlap, type Quad } from '../../exact/evaluate/boxes/quad.ts';
import { hexToBytes } from '../../protocol/bytes.ts';
import { digestOf, type UnitOf } from '../../protocol/kinds/registry.ts';
import { MAX_TENSOR_BYTES } from '../../protocol/limits.ts';
import { modelSchema, type Model } from '../../protocol/manifest.ts';
import { float32Values, type Tensor } from '../../protocol/tensor.ts';
import { inferKindNode } from '../kinds/infer/kind.ts';
import { RecomputePool } from '../kinds/infer/recompute/pool.ts';
import { MAX_KEPT_BYTES } from '../trust/trust.ts';
import { catalogueFile } from './catalogue-files.ts';
import { openCatalogue, type Catalogue } from './catalogue.ts';
import { describeExact } from './exact-file.ts';
import { flopsOf } from './flops.ts';
import { Random } from './random.ts';
import type { SampleSource } from './source.ts';
import { sourceOf } from './sources.ts';
import { drawTextImage } from './text-image.ts';
import { drawTextPage } from './text-page.ts';

/** The catalogue of the OCR chain. Its models take seconds to compile: once here, for all that is asked of them. */
let folder: string;
let catalogue: Catalogue;
let firstStartMs: number;
const pool = new RecomputePool();

const open = async (): Promise<Catalogue> => {
  const opened = await openCatalogue({ dataDir: folder, file: catalogueFile('ocr') });
  if (!opened.ok) throw new Error(opened.message);
  return opened.value;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridtab-ocr-'));
  // Compiled here, and found to have the hashes that are pinned.
  const beganMs = performance.now();
  catalogue = await open();
  firstStartMs = performance.now() - beganMs;
}, 60_000);
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

function modelCalled(name: string): { model: Model; source: SampleSource; scales: readonly number[] } {
  const model = catalogue.models.find((one) => one.name === name);
  const source = sourceOf(name);
  if (model?.tolerance.class !== 'E' || source === null) throw new Error(`no exact model ${name}`);
  return { model, source, scales: model.tolerance.scales ?? [] };
}

async function run(model: Model, inputs: Tensor[]): Promise<Tensor[]> {
  const ran = await pool.run({ ...model, path: catalogue.fileOf(model.sha256)?.path ?? '' }, inputs);
  if (!ran.ok) throw new Error(ran.message);
  return ran.value.outputs;
}

describe('the OCR catalogue', () => {
  it('has exact models only, as their files say, with sources', async () => {
    expect(catalogue.models.map(({ name }) => name)).toEqual([
      'ppocr-det-exact',
      'ppocr-cls-exact',
      'ppocr-rec-exact',
    ]);
    for (const model of catalogue.models) {
      expect(v.parse(modelSchema, model)).toEqual(model);
      const { tolerance } = model;
      const file = await readFile(catalogue.fileOf(model.sha256)?.path ?? '');
      expect(tolerance).toEqual({ class: 'E', ...describeExact(file) });
      expect(sourceOf(model.name)).not.toBeNull();
    }
  });

  it('has the FLOPs of profiled runs', async () => {
    const count = ({ name }: Model) => flopsOf(name, join(folder, 'models'));
    expect(await Promise.all(catalogue.models.map(count))).toEqual(
      catalogue.models.map(({ flops }) => flops),
    );
  });

  it('is compiled at the first start only', async () => {
    const paths = catalogue.models.map(({ sha256 }) => catalogue.fileOf(sha256)?.path ?? '');
    const madeAt = async () =>
      (await Promise.all(paths.map((path) => stat(path)))).map(({ mtimeMs }) => mtimeMs);
    const before = await madeAt();
    const beganMs = performance.now();
    expect((await open()).models).toEqual(catalogue.models);
    // Compiling is nearly all of the first start.
    expect(performance.now() - beganMs).toBeLessThan(firstStartMs / 4);
    expect(await madeAt()).toEqual(before);
  });
});

describe('the detector', () => {
  it('finds the lines of rendered pages, from pixels', async () => {
    const { model, source, scales } = modelCalled('ppocr-det-exact');
    let right = 0;
    for (let i = 0; i < 8; i++) {
      const inputs = source.sample(Random.from(['page', i]));
      const pixels = inputs[0] === undefined ? [] : [...float32Values(inputs[0])];
      expect(pixels.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)).toBe(true);
      const { lines } = drawTextPage(Random.from(['page', i]), 320);
      const found = source.describe(await run(model, inputs), scales);
      if (found.boxes?.length === lines) right += 1;
      expect(found.probability).toBeGreaterThan(0.6);
    }
    expect(right).toBeGreaterThanOrEqual(7);
  });

  it('finds them in a file where they are, scaled to fit, and none on paper', async () => {
    const { model, source, scales } = modelCalled('ppocr-det-exact');
    const canvas = createCanvas(640, 480);
    const context = canvas.getContext('2d');
    const described = async (file: Uint8Array) => {
      const units = await source.fromFile(file, 'page');
      if (!units.ok) throw new Error(units.message);
      expect(units.value).toHaveLength(1);
      return source.describe(await run(model, units.value[0] ?? []), scales);
    };
    expect(await described(canvas.toBuffer('image/png'))).toMatchObject({ label: 'no text', boxes: [] });
    context.fillStyle = 'white';
    context.fillRect(0, 0, 640, 480);
    drawTextPage(Random.from('registers the fonts'), 320);
    context.fillStyle = 'black';
    context.font = '48px "Gridtab DejaVuSans"';
    context.fillText('Invoice 2041', 100, 120);
    const width = context.measureText('Invoice 2041').width;
    for (const file of [canvas.toBuffer('image/png'), canvas.toBuffer('image/jpeg')]) {
      const { label, boxes = [] } = await described(file);
      expect(label).toBe('1 line of text');
      // Half the size: 640 pixels became 320.
      const due = [100, 100 + width].map((x) => x / 2) as [number, number];
      const rectangle: Quad = [
        [due[0], 41],
        [due[1], 41],
        [due[1], 62],
        [due[0], 62],
      ];
      expect(overlap(rectangle, boxes[0]?.corners as Quad)).toBeGreaterThan(0.5);
    }
    expect(await source.fromFile(Uint8Array.of(1, 2, 3), 'page.png')).toMatchObject({ code: 'UNREADABLE' });
  });

  it('reads only outputs of its signature, by their scale', () => {
    const { source, scales } = modelCalled('ppocr-det-exact');
    const output = {
      name: 'o',
      dtype: 'int32' as const,
      dims: [1, 1, 320, 320],
      data: new Uint8Array(4 * 320 ** 2),
    };
    expect(source.describe([output], scales)).toEqual({ label: 'no text', probability: 0.5, boxes: [] });
    expect(() => source.describe([], scales)).toThrow(RangeError);
    expect(() => source.describe([output])).toThrow(RangeError);
    expect(() => source.describe([{ ...output, dims: [1, 1, 640, 160] }], scales)).toThrow(RangeError);
  });
});

describe('the recogniser', () => {
  it('reads rendered lines, from pixels', async () => {
    const { model, source, scales } = modelCalled('ppocr-rec-exact');
    let right = 0;
    for (let i = 0; i < 8; i++) {
      const inputs = source.sample(Random.from(['line', i]));
      const pixels = inputs[0] === undefined ? [] : [...float32Values(inputs[0])];
      expect(pixels.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)).toBe(true);
      const { text, upsideDown } = drawTextImage(Random.from(['line', i]), { mayTurn: false, widest: 9 });
      const read = source.describe(await run(model, inputs), scales);
      if (read.label === text) right += 1;
      expect(upsideDown).toBe(false);
      expect(read.probability).toBeGreaterThan(0.6);
      expect(read.probability).toBeLessThanOrEqual(1);
    }
    expect(right).toBeGreaterThanOrEqual(7);
  });

  it('reads a line in a file, PNG or JPEG', async () => {
    const { model, source, scales } = modelCalled('ppocr-rec-exact');
    drawTextImage(Random.from('registers the fonts'));
    const canvas = createCanvas(240, 40);
    const context = canvas.getContext('2d');
    context.fillStyle = 'white';
    context.fillRect(0, 0, 240, 40);
    context.fillStyle = 'black';
    context.font = '26px "Gridtab DejaVuSans"';
    context.fillText('Invoice 2041', 8, 30);
    for (const file of [canvas.toBuffer('image/png'), canvas.toBuffer('image/jpeg')]) {
      const units = await source.fromFile(file, 'line');
      if (!units.ok) throw new Error(units.message);
      expect(units.value).toHaveLength(1);
      const read = source.describe(await run(model, units.value[0] ?? []), scales);
      expect(read.label).toBe('Invoice 2041');
      expect(read.probability).toBeGreaterThan(0.9);
    }
    expect(await source.fromFile(Uint8Array.of(1, 2, 3), 'line.png')).toMatchObject({ code: 'UNREADABLE' });
    expect(() => source.describe([], scales)).toThrow(RangeError);
  });
});

it.each(['ppocr-det-exact', 'ppocr-rec-exact'])(
  '%s is audited by its digest alone, since its outputs are too large to be kept: one value off by one is proof',
  async (name) => {
    const { model, source } = modelCalled(name);
    const kind = inferKindNode({ catalogue });
    const tensors = source.sample(Random.from('audited'));
    const unit: UnitOf<'infer'> = {
      kind: 'infer',
      spec: { model: hexToBytes(model.sha256) },
      input: { tensors },
    };
    const lease = { taskId: new Uint8Array(32), beacon: new Uint8Array(32), unit };
    const outputs = await run(model, tensors);
    const bytes = outputs[0]?.data.length ?? 0;
    expect(bytes).toBeGreaterThan(MAX_KEPT_BYTES);
    expect(bytes).toBeLessThan(MAX_TENSOR_BYTES);
    const audit = (claimed: Tensor[]) =>
      kind.audit(lease, {
        digest: digestOf({ kind: 'infer', body: { outputs: claimed } }),
        result: null,
        runtime: { provider: 'webgpu', artefact: null },
        opened: null,
        seed: new Uint8Array(32),
      });
    expect(await audit(outputs)).toMatchObject({ ok: true, evidence: { method: 'digest', lane: 'exact' } });
    const off = outputs.map((tensor) => ({ ...tensor, data: Uint8Array.from(tensor.data) }));
    off[0]?.data.set([(off[0].data[200_000] ?? 0) ^ 1], 200_000);
    expect(await audit(off)).toMatchObject({ ok: false, code: 'DIGEST_MISMATCH', weight: 'proof' });
    await kind.close();
  },
);
