import { expect, test } from 'vitest';
import { noise, tried } from '../../testing/imported.ts';
import type { NodeSpec, TensorSpec } from '../../testing/models.ts';

const shape = [1, 2, 5, 4];
const initializers: Record<string, TensorSpec> = {
  around: { shape: [8], data: [0, 0, 1, 0, 0, 0, 2, 1], type: 'int64' },
  w: noise([3, 2, 3, 3], 'w'),
  low: { shape: [], data: [-0.5] },
};
const pad: NodeSpec = { operator: 'Pad', inputs: ['r', 'around'], outputs: ['p'] };
const relu: NodeSpec = { operator: 'Relu', inputs: ['x'], outputs: ['r'] };
const pool = (operator: string, kernel: number, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  operator,
  inputs: ['p'],
  outputs: ['y'],
  attributes: { kernel_shape: [kernel, kernel], ...attributes },
});

test.each<[string, NodeSpec]>([
  ['conv', { operator: 'Conv', inputs: ['p', 'w'], outputs: ['y'], attributes: { pads: [1, 1, 0, 0] } }],
  ['average-pool', pool('AveragePool', 3)],
  ['max-pool', pool('MaxPool', 3)],
])('padding on its own goes into a %s', async (kind, reader) => {
  const { kinds, wrong } = await tried({ initializers, nodes: [relu, pad, reader], outputs: ['y'] }, shape);
  expect(kinds).toEqual(['clip', kind]);
  expect(wrong).toEqual([]);
});

test.each<[string, NodeSpec[]]>([
  ['of an activation that may be negative', [{ ...relu, operator: 'HardSwish' }, pad, pool('MaxPool', 3)]],
  [
    'of bounds that may be negative',
    [{ ...relu, operator: 'Clip', inputs: ['x', 'low'] }, pad, pool('MaxPool', 3)],
  ],
  ['wider than the kernel', [relu, pad, pool('MaxPool', 2)]],
])('zeros %s are not the padding of a max-pool', async (_, nodes) => {
  await expect(tried({ initializers, nodes, outputs: ['y'] }, shape)).rejects.toThrow(
    /^UNSUPPORTED: p: padding is known only/,
  );
});
