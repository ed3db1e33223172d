import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noise } from '../testing/imported.ts';
import {
  type AttributeSpec,
  model,
  type ModelSpec,
  type NodeSpec,
  type TensorSpec,
} from '../testing/models.ts';
import { importModel } from './import.ts';

const image = [1, 3, 8, 6];
const ints = (...data: number[]): TensorSpec => ({ shape: [data.length], data, type: 'int64' });
const by = (
  operator: string,
  inputs: string,
  attributes: Readonly<Record<string, AttributeSpec>> = {},
  rest: Partial<NodeSpec> = {},
): NodeSpec => ({
  operator,
  inputs: inputs.split(' '),
  outputs: ['y'],
  name: 'the.node',
  attributes,
  ...rest,
});

const refused = (spec: Partial<ModelSpec> & Pick<ModelSpec, 'nodes'>, shape: readonly number[] = image) => {
  const file = model({ inputs: { x: ['N', 3, 'H', 'W'] }, outputs: ['y'], ...spec });
  const outcome = importModel(file, shape);
  if (outcome.ok) throw new Error('it was taken');
  return `${outcome.code} ${outcome.message}`;
};

describe('a refusal names node, operator and what is known', () => {
  test.each<[string, NodeSpec, Record<string, TensorSpec>, string]>([
    ['operator', by('Erf', 'x'), {}, 'UNSUPPORTED the.node (Erf): the operator is not known'],
    [
      'domain',
      by('Relu', 'x', {}, { domain: 'com.microsoft' }),
      {},
      'UNSUPPORTED the.node: operator com.microsoft.Relu',
    ],
    [
      'attribute',
      by('Relu', 'x', { slope: 1 }),
      {},
      'UNSUPPORTED the.node (Relu): attribute slope is not known',
    ],
    ['input', by('Relu', 'x c'), { c: ints(1) }, 'UNSUPPORTED the.node (Relu): input 1 is not known'],
    [
      'computed weights',
      by('Conv', 'x x'),
      {},
      'UNSUPPORTED the.node (Conv): input 1 is computed, and is known only as a constant',
    ],
    [
      'weights that do not fit',
      by('Conv', 'x c'),
      { c: noise([2, 4, 3, 3], 0) },
      'UNSUPPORTED the.node (Conv): 3 channels in 1 groups do not fit weights [2, 4, 3, 3]',
    ],
    [
      'empty output',
      by('Conv', 'x c'),
      { c: noise([2, 3, 9, 3], 0) },
      'UNSUPPORTED the.node (Conv): its output would be empty ([1, 2, 0, 4])',
    ],
    [
      'overlapping kernels',
      by('ConvTranspose', 'x c'),
      { c: noise([3, 2, 2, 2], 0) },
      'UNSUPPORTED the.node (ConvTranspose): only kernels that do not overlap (strides = kernel, no pads) are known',
    ],
    [
      'a merged batch',
      by('Reshape', 'x c'),
      { c: ints(3, -1) },
      'UNSUPPORTED the.node (Reshape): to [3, 48]: the batch must stay axis 0',
    ],
    [
      'a sum over the batch',
      by('Softmax', 'x', { axis: 0 }),
      {},
      'UNSUPPORTED the.node (Softmax): it works along the batch',
    ],
    [
      'another mean',
      by('ReduceMean', 'x', { axes: [1] }),
      {},
      'UNSUPPORTED the.node (ReduceMean): a mean over axes [1] of 4 is known only over height and width',
    ],
    [
      'a constant for each pixel',
      by('Add', 'x c'),
      { c: noise([6], 0) },
      'UNSUPPORTED the.node (Add): a constant [6] beside [1, 3, 8, 6]: one number or one a channel is known',
    ],
    [
      'other interpolation',
      by('Resize', 'x  c', { mode: 'linear' }),
      { c: noise([4], 0) },
      'UNSUPPORTED the.node (Resize): mode linear: only nearest is known',
    ],
    [
      'uneven factors',
      by('Resize', 'x  c', { mode: 'nearest' }),
      { c: { shape: [4], data: [1, 1, 1.5, 2] } },
      'UNSUPPORTED the.node (Resize): [1, 3, 8, 6] to [1, 3, 12, 12] is not by whole factors',
    ],
    [
      'uneven rounding',
      by('Resize', 'x  c', {
        mode: 'nearest',
        coordinate_transformation_mode: 'half_pixel',
        nearest_mode: 'floor',
      }),
      { c: { shape: [4], data: [1, 1, 2, 2] } },
      'UNSUPPORTED the.node (Resize): its rounding does not repeat every pixel as often',
    ],
    [
      'uncounted padding',
      by('AveragePool', 'x', { kernel_shape: [2, 2], pads: [1, 1, 0, 0] }),
      {},
      'UNSUPPORTED the.node (AveragePool): padding that is not counted is not known',
    ],
    [
      'training',
      by('Dropout', 'x r t'),
      { r: noise([], 0), t: { shape: [], data: [1] } },
      'UNSUPPORTED the.node (Dropout): training_mode is not known',
    ],
    ['a sum of three', by('Sum', 'x x x'), {}, 'UNSUPPORTED the.node (Sum): input 2 is not known'],
    [
      'a lone piece',
      by('Sqrt', 'x'),
      {},
      'UNSUPPORTED the.node: a power or a square root is known only in a layer norm',
    ],
    [
      'lone padding',
      by('Pad', 'x c'),
      { c: ints(0, 0, 1, 1, 0, 0, 1, 1) },
      'UNSUPPORTED the.node: padding is known only before a conv, an average-pool that counts it, or a max-pool of what is never negative',
    ],
    ['a missing input', by('Conv', 'x'), {}, 'MALFORMED the.node (Conv): input 1 is missing'],
    ['an unmade input', by('Relu', 'z'), {}, 'MALFORMED the.node: input z is not made before it'],
    ['a wrong axis', by('Concat', 'x x', { axis: 7 }), {}, 'MALFORMED the.node (Concat): axis 7 of 4'],
    [
      'a wrong attribute',
      by('Softmax', 'x', { axis: 'last' }),
      {},
      'MALFORMED the.node: attribute axis is no number',
    ],
    [
      'a text for numbers',
      by('Transpose', 'x', { perm: 3 }),
      {},
      'MALFORMED the.node: attribute perm is no list of numbers',
    ],
  ])('%s', (_, node, initializers, message) => {
    expect(refused({ nodes: [node], initializers })).toBe(message);
  });
});

test('a softmax over several axes together, as older opsets mean it', () => {
  expect(
    refused({
      nodes: [
        { ...by('Softmax', 'x'), outputs: ['s'] },
        { ...by('Relu', 's'), name: 'relu' },
      ],
      opset: 11,
    }),
  ).toBe('UNSUPPORTED the.node (Softmax): over several axes together is not known');
});

test('a size that only the run of the model tells', () => {
  const nodes = [{ ...by('Cast', 'x', { to: 1 }), outputs: ['s'] }, by('Reshape', 'x s')];
  expect(refused({ nodes })).toBe(
    'DYNAMIC_SHAPE the.node (Reshape): shape is only known when the model runs',
  );
});

test('a shape that is not the model’s, or not of one image', () => {
  const nodes = [by('Relu', 'x')];
  for (const shape of [
    [1, 4, 8, 6],
    [2, 3, 8, 6],
    [1, 3, 8],
  ])
    expect(refused({ nodes }, shape)).toBe(
      `UNSUPPORTED input x is [?, 3, ?, ?]; [${shape.join(', ')}] does not fit it with a batch of 1`,
    );
});

test('an input of unknown rank, several inputs, no output', () => {
  const nodes = [by('Relu', 'x')];
  expect(refused({ nodes, inputs: { x: image, z: [1] } })).toMatch(/^UNSUPPORTED 2 inputs \(x, z\)/);
  expect(refused({ nodes, outputs: [] })).toMatch(/^MALFORMED/);
  expect(refused({ nodes, outputs: ['w'] })).toBe('MALFORMED output w is never made');
});

test('a value that is made twice', () => {
  expect(refused({ nodes: [by('Relu', 'x'), by('Sigmoid', 'x')] })).toBe(
    'MALFORMED the.node: output y is made twice',
  );
});

test('an initializer that is not what its shape says', () => {
  const c = { shape: [2, 3, 3, 3], data: [1, 2] };
  expect(refused({ nodes: [by('Conv', 'x c')], initializers: { c } })).toBe(
    'MALFORMED initializer c: 2 elements for [2, 3, 3, 3]',
  );
  const huge = { shape: [2 ** 20, 2 ** 20], data: [] };
  expect(refused({ nodes: [by('Relu', 'x')], initializers: { huge } })).toMatch(
    /^MALFORMED initializer huge: .*too large/,
  );
});

test('any bytes, and any damage to a model, are a graph or a refusal', () => {
  const file = model({
    inputs: { x: image },
    initializers: { w: noise([2, 3, 3, 3], 0), s: ints(0, -1) },
    nodes: [
      { operator: 'Conv', inputs: ['x', 'w'], outputs: ['a'], attributes: { pads: [1, 1, 1, 1] } },
      { operator: 'Relu', inputs: ['a'], outputs: ['b'] },
      {
        operator: 'MaxPool',
        inputs: ['b'],
        outputs: ['c'],
        attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      },
      { operator: 'Reshape', inputs: ['c', 's'], outputs: ['y'] },
    ],
    outputs: ['y'],
  });
  const taken = (bytes: Uint8Array): boolean => importModel(bytes, image).ok;
  expect(taken(file)).toBe(true);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => !taken(bytes)));
  const damage = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(damage, fc.nat(file.length), (bytes, end) => {
      const damaged = file.slice();
      for (const [at, value] of bytes) damaged[at] = value;
      taken(damaged);
      taken(damaged.subarray(0, end));
    }),
    { numRuns: 2000 },
  );
});
