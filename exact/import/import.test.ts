import { expect, test } from 'vitest';
import { imported, kindsOf, noise, tried } from '../testing/imported.ts';
import { model, type NodeSpec, type TensorSpec } from '../testing/models.ts';

/** Networks as exporters write them, in small: several operators that mean something together. */

const by = (
  operator: string,
  inputs: string,
  outputs: string,
  attributes: NodeSpec['attributes'] = {},
): NodeSpec => ({
  operator,
  inputs: inputs.split(' '),
  outputs: outputs.split(' '),
  attributes,
});
const ints = (...data: number[]): TensorSpec => ({ shape: [data.length], data, type: 'int64' });
const image = [1, 3, 8, 6];
const pads = { pads: [1, 1, 1, 1] } as const;

test('an inverted residual as PyTorch writes it: clips with inputs, a mean without its axes, gemm', async () => {
  const spec = {
    initializers: {
      zero: { shape: [], data: [0] },
      six: { shape: [], data: [6] },
      wide: noise([6, 3, 1, 1], 'wide'),
      deep: noise([6, 1, 3, 3], 'deep'),
      narrow: noise([3, 6, 1, 1], 'narrow'),
      bias: noise([6], 'bias'),
      dense: noise([10, 3], 'dense'),
      offset: noise([10], 'offset'),
    },
    nodes: [
      by('Conv', 'x wide bias', 'a'),
      by('Clip', 'a zero six', 'b'),
      by('Conv', 'b deep bias', 'c', { ...pads, group: 6 }),
      by('Clip', 'c zero six', 'd'),
      by('Conv', 'd narrow', 'e'),
      by('Add', 'x e', 'f'),
      by('ReduceMean', 'f', 'g', { axes: [2, 3], keepdims: 0 }),
      by('Identity', 'g', 'h'),
      by('Gemm', 'h dense offset', 'i', { transB: 1 }),
      by('Softmax', 'i', 'y', { axis: 1 }),
    ],
    outputs: ['y'],
  };
  const { graph, kinds, wrong } = await tried(spec, image);
  expect(kinds).toEqual([
    'conv',
    'clip',
    'conv',
    'clip',
    'conv',
    'add',
    'global-average',
    'reshape',
    'linear',
  ]);
  expect(graph.outputs).toEqual([{ value: 'i', dropped: 'softmax', original: 'y' }]);
  expect(wrong).toEqual([]);
});

test('a network as tf2onnx writes it: images last channel, padding on its own, unsqueezed sizes', async () => {
  const spec = {
    initializers: {
      w: noise([4, 3, 3, 3], 'w'),
      around: ints(0, 0, 0, 0, 0, 0, 1, 1),
      flat: ints(-1, 4),
      dense: noise([4, 5], 'dense'),
      offset: noise([5], 'offset'),
    },
    nodes: [
      by('Transpose', 'x', 'a', { perm: [0, 3, 1, 2] }),
      by('Pad', 'a around', 'b'),
      by('Conv', 'b w', 'c', { strides: [2, 2] }),
      by('Relu', 'c', 'd'),
      by('Pad', 'd around', 'e'),
      by('MaxPool', 'e', 'f', { kernel_shape: [3, 3], strides: [2, 2] }),
      by('GlobalAveragePool', 'f', 'g'),
      by('Reshape', 'g flat', 'h'),
      by('MatMul', 'h dense', 'i'),
      by('Add', 'i offset', 'y'),
    ],
    outputs: ['y'],
  };
  const { kinds, wrong } = await tried(spec, [1, 9, 8, 3]);
  expect(kinds).toEqual(['transpose', 'conv', 'clip', 'max-pool', 'global-average', 'reshape', 'linear']);
  expect(wrong).toEqual([]);
});

test('sizes that the model computes from its own shape are constants', async () => {
  const spec = {
    initializers: { first: ints(0), rest: ints(-1), axis: ints(0) },
    nodes: [
      by('Relu', 'x', 'r'),
      by('Shape', 'r', 's'),
      by('Gather', 's first', 'n', { axis: 0 }),
      by('Cast', 'n', 'm', { to: 6 }),
      by('Cast', 'm', 'k', { to: 7 }),
      by('Concat', 'k rest', 't', { axis: 0 }),
      by('Reshape', 'r t', 'y'),
    ],
    outputs: ['y'],
  };
  const { graph, kinds, wrong } = await tried(spec, image);
  expect(kinds).toEqual(['clip', 'reshape']);
  expect(graph.shapes.get('y')).toEqual([1, 144]);
  expect(wrong).toEqual([]);
});

test('attention: the batch is never moved, whatever axis the file puts it on', async () => {
  const spec = {
    initializers: {
      heads: ints(0, 5, 3, 2, 4),
      joined: ints(0, 5, 8),
      factor: { shape: [], data: [0.5] },
      qkv: noise([8, 24], 'qkv'),
      first: ints(0),
      second: ints(1),
      third: ints(2),
      fourth: ints(3),
    },
    nodes: [
      by('MatMul', 'x qkv', 'a'),
      by('Reshape', 'a heads', 'b'),
      by('Transpose', 'b', 'c', { perm: [2, 0, 3, 1, 4] }),
      by('Slice', 'c first second first', 'q1'),
      by('Squeeze', 'q1 first', 'q2'),
      by('Mul', 'q2 factor', 'q'),
      by('Slice', 'c second third first', 'k1'),
      by('Squeeze', 'k1 first', 'k2'),
      by('Transpose', 'k2', 'k', { perm: [0, 1, 3, 2] }),
      by('Slice', 'c third fourth first', 'v1'),
      by('Squeeze', 'v1 first', 'v'),
      by('MatMul', 'q k', 'logits'),
      by('Softmax', 'logits', 'p'),
      by('MatMul', 'p v', 'o'),
      by('Transpose', 'o', 'u', { perm: [0, 2, 1, 3] }),
      by('Reshape', 'u joined', 'y'),
    ],
    outputs: ['y'],
  };
  const { graph, kinds, wrong } = await tried(spec, [1, 5, 8]);
  expect(wrong).toEqual([]);
  expect(kinds.filter((kind) => kind === 'matmul')).toHaveLength(2);
  expect(graph.shapes.get('c')).toEqual([1, 3, 2, 5, 4]);
  for (const shape of graph.shapes.values()) expect(shape[0]).toBe(1);
});

test('attention as PyTorch writes it: query, key and value are gathered', async () => {
  const spec = {
    initializers: {
      heads: ints(0, 5, 3, 2, 4),
      joined: ints(0, 5, 8),
      qkv: noise([8, 24], 'qkv'),
      ...Object.fromEntries([0, 1, 2].map((place) => [`at${place}`, { ...ints(place), shape: [] }])),
    },
    nodes: [
      by('MatMul', 'x qkv', 'a'),
      by('Reshape', 'a heads', 'b'),
      by('Transpose', 'b', 'c', { perm: [2, 0, 3, 1, 4] }),
      by('Gather', 'c at0', 'q', { axis: 0 }),
      by('Gather', 'c at1', 'k', { axis: 0 }),
      by('Gather', 'c at2', 'v', { axis: 0 }),
      by('Transpose', 'k', 't', { perm: [0, 1, 3, 2] }),
      by('MatMul', 'q t', 'logits'),
      by('Softmax', 'logits', 'p'),
      by('MatMul', 'p v', 'o'),
      by('Transpose', 'o', 'u', { perm: [0, 2, 1, 3] }),
      by('Reshape', 'u joined', 'y'),
    ],
    outputs: ['y'],
  };
  const { graph, wrong } = await tried(spec, [1, 5, 8]);
  expect(wrong).toEqual([]);
  expect(graph.shapes.get('q as [1, 2, 5, 4]')).toEqual([1, 2, 5, 4]);
});

test('axes come, go and change places around a batch that is not in front', async () => {
  const spec = {
    initializers: { one: ints(1), two: ints(2), three: ints(3), size: ints(9) },
    nodes: [
      by('Transpose', 'x', 'a', { perm: [1, 0, 2] }),
      by('Unsqueeze', 'a one', 'b'),
      by('Transpose', 'b', 'c', { perm: [3, 0, 2, 1] }),
      by('Unsqueeze', 'c three', 'd'),
      by('Slice', 'd one size one', 'e'),
      by('Squeeze', 'e three', 'f'),
      by('Relu', 'f', 'y'),
    ],
    outputs: ['y'],
  };
  const { graph, wrong } = await tried(spec, [1, 4, 5]);
  expect(graph.shapes.get('y')).toEqual([1, 5, 3, 1]);
  expect(wrong).toEqual([]);
});

test('squeeze and excitation, whichever side the gate is on', async () => {
  const spec = {
    initializers: { w: noise([3, 3, 1, 1], 'w') },
    nodes: [
      by('GlobalAveragePool', 'x', 'a'),
      by('Conv', 'a w', 'b'),
      by('Sigmoid', 'b', 'c'),
      by('Mul', 'c x', 'y'),
    ],
    outputs: ['y'],
  };
  const { graph, kinds, wrong } = await tried(spec, image);
  expect(kinds).toEqual(['global-average', 'conv', 'sigmoid', 'mul']);
  expect(graph.ops.at(-1)).toMatchObject({ inputs: ['x', 'c'] });
  expect(wrong).toEqual([]);
});

test('what no output depends on may be anything', () => {
  const nodes = [by('Relu', 'x', 'y'), by('Nonsense', 'x', 'z'), by('Dropout', 'y', 'w mask')];
  const graph = imported(model({ inputs: { x: image }, nodes, outputs: ['w'] }), image);
  expect(kindsOf(graph)).toEqual(['clip']);
  expect([...graph.shapes.keys()]).toEqual(['x', 'y']);
  expect(graph.outputs).toEqual([{ value: 'y', dropped: null, original: 'w' }]);
});
