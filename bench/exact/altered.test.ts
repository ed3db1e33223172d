import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { onnx } from '../../exact/onnx.ts';
import { model } from '../../exact/testing/models.ts';
import { beyondBound, insideOut, stepOf } from './altered.ts';

const file = model({
  inputs: { x: ['N', 2] },
  initializers: { w: { shape: [2, 2], data: [3, 0.5, -2, 0] }, half: { shape: [], data: [0.5] } },
  nodes: [
    { operator: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] },
    { operator: 'Add', inputs: ['y', 'half'], outputs: ['z'] },
  ],
  outputs: ['z'],
});

it('a step is the lowest digit', () => {
  expect([0.75, -6, 1, 2 ** -40, 2 ** -20 + 2 ** 3].map(stepOf)).toEqual([0.25, 2, 1, 2 ** -40, 2 ** -20]);
  expect(stepOf(0)).toBe(Infinity);
});

it('shows all that nodes give', async () => {
  const session = await ort.InferenceSession.create(insideOut(file));
  expect(session.outputNames.toSorted((a, b) => a.localeCompare(b))).toEqual(['y', 'z']);
});

it('gives weights finer digits, within half of the old step, and leaves other constants', () => {
  const tensors = onnx.ModelProto.decode(beyondBound(file, 8)).graph?.initializer ?? [];
  const valuesOf = (name: string): number[] => {
    const raw = tensors.find((tensor) => tensor.name === name)?.rawData ?? new Uint8Array();
    return [...new Float32Array(new Uint8Array(raw).buffer)];
  };
  const moved = valuesOf('w').map((value, i) => value - ([3, 0.5, -2, 0][i] ?? NaN));
  expect(moved.every((by) => Math.abs(by) <= 0.25 && Number.isInteger(by * 512))).toBe(true);
  expect(moved.some((by) => by !== 0)).toBe(true);
  expect(valuesOf('half')).toEqual([0.5]);
});
