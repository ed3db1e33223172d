import * as ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { openFloatModel } from '../calibrate/float-model.ts';
import { model } from './models.ts';

const file = model({
  inputs: { x: ['N', 2] },
  initializers: { w: { shape: [2, 1], data: [2, 3] } },
  nodes: [
    { operator: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] },
    { operator: 'LeakyRelu', inputs: ['y'], outputs: ['z'], attributes: { alpha: { float: 0.5 } } },
  ],
  outputs: ['z'],
});

test('a model made for a test runs, and shows its inside when asked', async () => {
  const session = await openFloatModel(file, ['y', 'z']);
  expect(session.outputNames).toEqual(['z', 'y']);
  const { y, z } = await session.run({ x: new ort.Tensor('float32', [-1, -2], [1, 2]) });
  expect([y?.data[0], z?.data[0]]).toEqual([-8, -4]);
});
