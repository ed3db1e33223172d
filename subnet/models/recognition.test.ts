import { createCanvas } from '@napi-rs/canvas';
import type * as ort from 'onnxruntime-web/wasm';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
// oxlint-disable-next-line import/default -- CommonJS: the module is its default export
import wavefile from 'wavefile';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32Values, type Tensor } from '../../protocol/tensor.ts';
import { openSession, runSession } from '../kinds/infer/recompute/session.ts';
import { CATALOGUE_FILE } from './catalogue-files.ts';
import { type CatalogueEntry, catalogueSchema } from './entry.ts';
import { verifyModelFile } from './model-file.ts';
import { classifierInput, ppocrCls } from './ppocr-cls.ts';
import { Random } from './random.ts';
import { sileroVad, UNIT_SAMPLES, vadInputs } from './silero-vad.ts';
import { sourceOf } from './sources.ts';
import { SAMPLE_RATE, synthesise, type AudioClass } from './speech.ts';
import { drawTextImage } from './text-image.ts';

/** That the models recognise what they are given shows that inputs are made the way the models were trained. */
const opened = new Map<string, { entry: CatalogueEntry; session: ort.InferenceSession }>();

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridtab-recognition-'));
  const { models } = v.parse(catalogueSchema, JSON.parse(await readFile(CATALOGUE_FILE, 'utf8')));
  for (const entry of models) {
    const file = await verifyModelFile(entry, folder);
    if (!file.ok) throw new Error(file.message);
    const session = await openSession({ path: file.value.path, sha256: entry.sha256 });
    opened.set(entry.name, { entry, session });
  }
});

afterAll(() => rm(folder, { recursive: true }));

async function run(name: string, inputs: Tensor[]): Promise<Tensor[]> {
  const model = opened.get(name);
  if (model === undefined) throw new Error(`no model ${name}`);
  return await runSession(
    model.session,
    inputs,
    model.entry.outputs.map((output) => output.name),
  );
}

describe('text direction', () => {
  it('is recognised on rendered lines, upright and turned', async () => {
    const right = { upright: 0, turned: 0 };
    const drawn = { upright: 0, turned: 0 };
    for (let i = 0; i < 160; i++) {
      const image = drawTextImage(Random.from(['direction', i]));
      const { label } = ppocrCls.describe(await run('ppocr-cls', [classifierInput(image.canvas)]));
      const side = image.upsideDown ? 'turned' : 'upright';
      drawn[side] += 1;
      if (label === (image.upsideDown ? '180' : '0')) right[side] += 1;
    }
    expect(Math.min(drawn.upright, drawn.turned)).toBeGreaterThan(50);
    expect(right.upright / drawn.upright).toBeGreaterThan(0.9);
    expect(right.turned / drawn.turned).toBeGreaterThan(0.9);
  });

  it('is recognised by the exact model as by the trained one, in whole numbers', async () => {
    const exact = sourceOf('ppocr-cls-exact');
    const tolerance = opened.get('ppocr-cls-exact')?.entry.tolerance;
    if (exact === null || tolerance?.class !== 'E') throw new Error('expected a source of an exact model');
    const { scales = [] } = tolerance;
    let [agree, right, leastSure] = [0, 0, 1];
    for (let i = 0; i < 160; i++) {
      const image = drawTextImage(Random.from(['direction', i]));
      const trained = ppocrCls.describe(await run('ppocr-cls', [classifierInput(image.canvas)]));
      const inputs = exact.sample(Random.from(['direction', i]));
      const pixels = inputs[0] === undefined ? [] : [...float32Values(inputs[0])];
      expect(pixels.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)).toBe(true);
      const outputs = await run('ppocr-cls-exact', inputs);
      const read = exact.describe(outputs, scales);
      expect(read.probability).toBeGreaterThanOrEqual(0.5);
      if (read.label === trained.label) agree += 1;
      if (read.label === (image.upsideDown ? '180' : '0')) right += 1;
      if (trained.probability > 0.99) leastSure = Math.min(leastSure, read.probability);
    }
    // Where one is sure of it the other is too.
    expect(leastSure).toBeGreaterThan(0.9);
    expect(agree).toBeGreaterThanOrEqual(156);
    expect(right).toBeGreaterThan(144);
  });

  it('is recognised in a file, PNG or JPEG', async () => {
    const canvas = createCanvas(180, 40);
    const context = canvas.getContext('2d');
    context.fillStyle = 'white';
    context.fillRect(0, 0, 180, 40);
    drawTextImage(Random.from('registers the fonts'));
    context.fillStyle = 'black';
    context.font = '26px "Gridtab DejaVuSans"';
    context.fillText('Invoice 2041', 8, 30);
    for (const file of [canvas.toBuffer('image/png'), canvas.toBuffer('image/jpeg')]) {
      const units = await ppocrCls.fromFile(file, 'line');
      if (!units.ok) throw new Error(units.message);
      expect(units.value).toHaveLength(1);
      const { label, probability } = ppocrCls.describe(await run('ppocr-cls', units.value[0] ?? []));
      expect(label).toBe('0');
      expect(probability).toBeGreaterThan(0.9);
    }
    expect(await ppocrCls.fromFile(Uint8Array.of(1, 2, 3), 'line.png')).toMatchObject({ code: 'UNREADABLE' });
  });
});

describe('voice activity', () => {
  it('is recognised in synthesised speech, and not in noise or silence', async () => {
    const heard = async (kind: AudioClass): Promise<number> => {
      let speech = 0;
      for (let i = 0; i < 100; i++) {
        const audio = synthesise(kind, Random.from([kind, i]), 1600 + UNIT_SAMPLES).subarray(1600);
        if (sileroVad.describe(await run('silero-vad', vadInputs(audio))).label === 'speech') speech += 1;
      }
      return speech / 100;
    };
    expect(await heard('speech')).toBeGreaterThan(0.9);
    expect(await heard('noise')).toBeLessThan(0.05);
    expect(await heard('silence')).toBe(0);
  });

  it('is found where it is in a file', async () => {
    const second = (kind: AudioClass): number[] =>
      Array.from(synthesise(kind, Random.from(['file', kind]), SAMPLE_RATE), (x) => Math.round(x * 32_767));
    const wav = new wavefile.WaveFile();
    wav.fromScratch(1, SAMPLE_RATE, '16', [...second('silence'), ...second('speech'), ...second('noise')]);
    const units = await sileroVad.fromFile(wav.toBuffer(), 'three-seconds.wav');
    if (!units.ok) throw new Error(units.message);
    expect(units.value).toHaveLength(6);
    const labels: string[] = [];
    for (const inputs of units.value) labels.push(sileroVad.describe(await run('silero-vad', inputs)).label);
    // The unit between two seconds holds some of both.
    expect([labels[0], labels[2], labels[3], labels[5]]).toEqual([
      'no speech',
      'speech',
      'speech',
      'no speech',
    ]);
  });

  it('refuses files it cannot cut into windows', async () => {
    const wav = new wavefile.WaveFile();
    wav.fromScratch(1, SAMPLE_RATE, '16', []);
    expect(await sileroVad.fromFile(wav.toBuffer(), 'empty.wav')).toMatchObject({ code: 'UNREADABLE' });
    wav.fromScratch(
      1,
      SAMPLE_RATE,
      '16',
      Array.from({ length: 236 * 16 * 512 }, () => 0),
    );
    const long = await sileroVad.fromFile(wav.toBuffer(), 'long.wav');
    expect(long).toMatchObject({
      code: 'UNREADABLE',
      message: expect.stringMatching(/at most 235/) as string,
    });
  });
});

it.each([ppocrCls, sileroVad])('describes only what is of the signature', (source) => {
  expect(() => source.describe([])).toThrow(RangeError);
});
