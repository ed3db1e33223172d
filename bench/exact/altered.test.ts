import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { model } from '../../exact/testing/models.ts';
import { insideOut } from './altered.ts';

const file = model({
  inputs: { x: ['N', 2] },
  initializers: { w: { shape: [2, 2], data: [3, 0.5, -2, 0] }, half: { shape: [], data: [0.5] } },
  nodes: [
    { operator: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] },
    { operator: 'Add', inputs: ['y', 'half'], outputs: ['z'] },
  ],
  outputs: ['z'],
});

it('shows all that nodes give', async () => {
  const session = await ort.InferenceSession.create(insideOut(file));
  expect(session.outputNames.toSorted((a, b) => a.localeCompare(b))).toEqual(['y', 'z']);
});
