import { describe, expect, test } from 'vitest';
import type { OpKind } from '../../graph.ts';
import { noise, tried } from '../../testing/imported.ts';
import type { AttributeSpec, TensorSpec } from '../../testing/models.ts';

type Case = {
  name: string;
  operator: string;
  shape: readonly number[];
  constants?: readonly (TensorSpec | '')[];
  /** Places of x among the inputs; only the first by default. */
  at?: number;
  attributes?: Readonly<Record<string, AttributeSpec>>;
  kinds: readonly OpKind[];
  opset?: number;
  outputs?: number;
};

const ints = (...data: number[]): TensorSpec => ({ shape: [data.length], data, type: 'int64' });
const one = (value: number): TensorSpec => ({ shape: [], data: [value] });
const positive = ({ shape, data }: TensorSpec): TensorSpec => ({
  shape,
  data: Array.from(data, (value) => Math.abs(value) + 0.1),
});
const floats = (...data: number[]): TensorSpec => ({ shape: [data.length], data });
const image = [1, 4, 9, 7];

/** Every operator, with the attributes that exporters write, on its own. */
const CASES: readonly Case[] = [
  {
    name: 'conv',
    operator: 'Conv',
    shape: image,
    constants: [noise([6, 4, 3, 3], 1), noise([6], 2)],
    kinds: ['conv'],
  },
  {
    name: 'conv with strides, dilations and uneven pads',
    operator: 'Conv',
    shape: image,
    constants: [noise([6, 4, 3, 2], 1)],
    attributes: { kernel_shape: [3, 2], strides: [2, 1], dilations: [1, 2], pads: [1, 0, 2, 3] },
    kinds: ['conv'],
  },
  {
    name: 'conv in groups',
    operator: 'Conv',
    shape: image,
    constants: [noise([6, 2, 3, 3], 1)],
    attributes: { group: 2, pads: [1, 1, 1, 1] },
    kinds: ['conv'],
  },
  ...(['SAME_UPPER', 'SAME_LOWER', 'VALID'] as const).map((mode): Case => ({
    name: `conv ${mode}`,
    operator: 'Conv',
    shape: image,
    constants: [noise([2, 4, 4, 3], 1)],
    attributes: { auto_pad: mode, strides: [2, 2] },
    kinds: ['conv'],
  })),
  {
    name: 'transposed conv',
    operator: 'ConvTranspose',
    shape: image,
    constants: [noise([4, 3, 2, 3], 1), noise([6], 2)],
    attributes: { strides: [2, 3], group: 2 },
    kinds: ['conv-transpose'],
  },
  {
    name: 'max pool',
    operator: 'MaxPool',
    shape: image,
    attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
    kinds: ['max-pool'],
  },
  {
    name: 'max pool that juts out',
    operator: 'MaxPool',
    shape: [1, 4, 8, 7],
    attributes: { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 },
    kinds: ['max-pool'],
  },
  {
    name: 'max pool whose last window would start over the end',
    operator: 'MaxPool',
    shape: [1, 4, 6, 7],
    attributes: { kernel_shape: [2, 2], strides: [3, 2], ceil_mode: 1 },
    kinds: ['max-pool'],
  },
  {
    name: 'average pool with counted padding',
    operator: 'AveragePool',
    shape: image,
    attributes: { kernel_shape: [3, 2], strides: [1, 2], pads: [1, 1, 1, 0], count_include_pad: 1 },
    kinds: ['average-pool'],
  },
  {
    name: 'average pool over all',
    operator: 'AveragePool',
    shape: image,
    attributes: { kernel_shape: [9, 7] },
    kinds: ['global-average'],
  },
  { name: 'global average', operator: 'GlobalAveragePool', shape: image, kinds: ['global-average'] },
  {
    name: 'mean of pixels',
    operator: 'ReduceMean',
    shape: image,
    attributes: { axes: [-1, -2], keepdims: 1 },
    kinds: ['global-average'],
  },
  {
    name: 'gemm',
    operator: 'Gemm',
    shape: [1, 5],
    constants: [noise([5, 3], 1), noise([3], 2)],
    attributes: { alpha: { float: 0.5 }, beta: { float: 2 } },
    kinds: ['linear'],
  },
  {
    name: 'gemm of turned weights',
    operator: 'Gemm',
    shape: [1, 5],
    constants: [noise([3, 5], 1), noise([1, 1], 2)],
    attributes: { transB: 1 },
    kinds: ['linear'],
  },
  { name: 'matrix', operator: 'MatMul', shape: [1, 4, 5], constants: [noise([5, 3], 1)], kinds: ['linear'] },
  { name: 'bias', operator: 'Add', shape: image, constants: [noise([4, 1, 1], 1)], kinds: ['affine'] },
  {
    name: 'bias of features',
    operator: 'Add',
    shape: [1, 3, 4],
    constants: [noise([4], 1)],
    kinds: ['affine'],
  },
  { name: 'difference', operator: 'Sub', shape: image, constants: [one(0.25)], kinds: ['affine'] },
  {
    name: 'difference from',
    operator: 'Sub',
    at: 1,
    shape: image,
    constants: [one(0.25)],
    kinds: ['affine'],
  },
  { name: 'factor', operator: 'Mul', shape: image, constants: [noise([1, 4, 1, 1], 1)], kinds: ['affine'] },
  { name: 'quotient', operator: 'Div', shape: image, constants: [one(6)], kinds: ['affine'] },
  { name: 'negative', operator: 'Neg', shape: image, kinds: ['affine'] },
  {
    name: 'batch norm',
    operator: 'BatchNormalization',
    shape: image,
    constants: [noise([4], 1), noise([4], 2), noise([4], 3), positive(noise([4], 4))],
    attributes: { epsilon: { float: 0.01 }, momentum: { float: 0.5 } },
    kinds: ['affine'],
  },
  {
    name: 'layer norm',
    operator: 'LayerNormalization',
    shape: [1, 3, 8],
    constants: [noise([8], 1), noise([8], 2)],
    kinds: ['layer-norm'],
  },
  { name: 'relu', operator: 'Relu', shape: image, kinds: ['clip'] },
  { name: 'clip', operator: 'Clip', shape: image, constants: [one(-0.5), one(0.25)], kinds: ['clip'] },
  { name: 'clip above', operator: 'Clip', shape: image, constants: ['', one(0.25)], kinds: ['clip'] },
  {
    name: 'clip by attributes',
    operator: 'Clip',
    shape: image,
    opset: 9,
    attributes: { min: { float: 0 }, max: { float: 0.5 } },
    kinds: ['clip'],
  },
  { name: 'minimum', operator: 'Min', shape: image, constants: [one(0.25)], kinds: ['clip'] },
  { name: 'maximum', operator: 'Max', at: 1, shape: image, constants: [one(0.25)], kinds: ['clip'] },
  {
    name: 'hard sigmoid',
    operator: 'HardSigmoid',
    shape: image,
    attributes: { alpha: { float: 0.75 } },
    kinds: ['hard-sigmoid'],
  },
  { name: 'hard swish', operator: 'HardSwish', shape: image, kinds: ['hard-swish'] },
  {
    name: 'flatten',
    operator: 'Flatten',
    shape: image,
    kinds: ['reshape'],
  },
  {
    name: 'reshape by attribute-like sizes',
    operator: 'Reshape',
    shape: image,
    constants: [ints(0, 2, -1, 7)],
    kinds: ['reshape'],
  },
  { name: 'squeeze', operator: 'Squeeze', shape: [1, 4, 1, 7], constants: [ints(2)], kinds: ['reshape'] },
  {
    name: 'squeeze by attribute',
    operator: 'Squeeze',
    shape: [1, 4, 1, 7],
    opset: 11,
    attributes: { axes: [-2] },
    kinds: ['reshape'],
  },
  {
    name: 'unsqueeze',
    operator: 'Unsqueeze',
    shape: [1, 4, 7],
    constants: [ints(1, -1)],
    kinds: ['reshape'],
  },
  {
    name: 'transpose',
    operator: 'Transpose',
    shape: image,
    attributes: { perm: [0, 2, 3, 1] },
    kinds: ['transpose'],
  },
  {
    name: 'slice',
    operator: 'Slice',
    shape: image,
    constants: [ints(-3), ints(Number.MAX_SAFE_INTEGER), ints(2)],
    kinds: ['slice'],
  },
  {
    name: 'slice by attributes',
    operator: 'Slice',
    opset: 9,
    shape: image,
    attributes: { axes: [1], starts: [1], ends: [-1] },
    kinds: ['slice'],
  },
  {
    name: 'split',
    operator: 'Split',
    shape: image,
    constants: [ints(1, 3)],
    attributes: { axis: 1 },
    kinds: ['slice', 'slice'],
    outputs: 2,
  },
  {
    name: 'split in even parts',
    operator: 'Split',
    opset: 11,
    shape: image,
    attributes: { axis: 1 },
    kinds: ['slice', 'slice'],
    outputs: 2,
  },
  {
    name: 'resize, floor',
    operator: 'Resize',
    shape: image,
    constants: ['', floats(1, 1, 2, 3)],
    attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    kinds: ['upsample'],
  },
  {
    name: 'resize, half pixels, to sizes',
    operator: 'Resize',
    shape: image,
    constants: ['', '', ints(1, 4, 27, 14)],
    attributes: { mode: 'nearest' },
    kinds: ['upsample'],
  },
  {
    name: 'upsample',
    operator: 'Upsample',
    opset: 9,
    shape: image,
    constants: [floats(1, 1, 2, 2)],
    attributes: { mode: 'nearest' },
    kinds: ['upsample'],
  },
];

describe('one operator', () => {
  test.each(CASES)(
    '$name',
    async ({ operator, shape, constants = [], at = 0, attributes, kinds, opset, outputs = 1 }) => {
      const named = constants.map((tensor, index) => [`c${index}`, tensor] as const);
      const given = named.map(([name, tensor]): string => (tensor === '' ? '' : name));
      const inputs = given.toSpliced(at, 0, 'x');
      const made = Array.from({ length: outputs }, (_, index) => `y${index}`);
      const { kinds: found, wrong } = await tried(
        {
          ...(opset !== undefined && { opset }),
          initializers: Object.fromEntries(
            named.flatMap(([name, tensor]) => (tensor === '' ? [] : [[name, tensor]])),
          ),
          nodes: [{ operator, inputs, outputs: made, ...(attributes && { attributes }) }],
          outputs: made,
        },
        shape,
      );
      expect(found).toEqual(kinds);
      expect(wrong).toEqual([]);
    },
  );
});

test('what juts out of a pool is padding', async () => {
  const attributes = { kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 };
  const nodes = [{ operator: 'MaxPool', inputs: ['x'], outputs: ['y'], attributes }];
  const { graph } = await tried({ nodes, outputs: ['y'] }, [1, 4, 8, 7]);
  expect(graph.ops).toMatchObject([{ pads: [0, 0, 1, 1] }]);
});
