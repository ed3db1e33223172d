import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Random } from '../../subnet/models/random.ts';
import { ppocrFile } from '../evaluate/ppocr.ts';
import type { Graph } from '../graph.ts';
import { differences } from '../testing/compare.ts';
import { importModel } from './import.ts';

function graphOf(file: Uint8Array, shape: readonly number[]): Graph {
  const imported = importModel(file, shape);
  if (!imported.ok) throw new Error(imported.message);
  return imported.value;
}

const MODELS = [
  {
    name: 'ch_ppocr_mobile_v2.0_cls_infer.onnx',
    shape: [1, 3, 48, 192],
    ops: { conv: 53, 'hard-swish': 18, 'hard-sigmoid': 9, mul: 9, add: 7, linear: 1 },
    dropped: 'softmax',
  },
  {
    name: 'ch_PP-OCRv4_det_infer.onnx',
    shape: [1, 3, 64, 96],
    ops: { conv: 62, 'conv-transpose': 2, upsample: 6, concat: 1, 'hard-swish': 24 },
    dropped: 'sigmoid',
  },
  {
    name: 'ch_PP-OCRv4_rec_infer.onnx',
    shape: [1, 3, 48, 64],
    ops: { conv: 38, 'layer-norm': 5, silu: 7, matmul: 4, softmax: 2, linear: 9 },
    dropped: 'softmax',
  },
] as const;

describe.each(MODELS)('$name', ({ name, shape, ops, dropped }) => {
  const file = readFileSync(ppocrFile(name));
  const graph = graphOf(file, shape);

  test('every value is that of the same name in the original', async () => {
    const random = Random.from(name);
    const image = Float64Array.from({ length: shape.reduce<number>((a, b) => a * b, 1) }, () =>
      random.between(-1, 1),
    );
    const found = await differences(file, graph, image);
    expect(found).toHaveLength(graph.ops.length);
    const wrong = found.filter(({ difference, largest }) => !(difference <= 1e-4 * Math.max(1, largest)));
    expect(wrong).toEqual([]);
  });

  test('what belongs together is one operation', () => {
    for (const [kind, count] of Object.entries(ops))
      expect([kind, graph.ops.filter((op) => op.kind === kind).length]).toEqual([kind, count]);
    expect(graph.outputs.map((output) => output.dropped)).toEqual([dropped]);
  });
});
