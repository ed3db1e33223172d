import { describe, expect, test } from 'vitest';
import { tried } from '../../testing/imported.ts';
import type { NodeSpec } from '../../testing/models.ts';

const shape = [1, 3, 4, 5];
const scalars = (values: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { shape: [], data: [value] }]));
const constants = scalars({ zero: 0, one: 1, three: 3, six: 6, sixth: 1 / 6, half: 0.5, two: 2 });

const node = (operator: string, inputs: string, output: string, rest: Partial<NodeSpec> = {}): NodeSpec => ({
  operator,
  inputs: inputs.split(' '),
  outputs: [output],
  ...rest,
});

/** Twice the input first, so that a value of x is a value of the file and small and large ones occur. */
const run = (nodes: readonly NodeSpec[], outputs = ['y']) =>
  tried(
    {
      initializers: { ...constants, ...scalars({ eight: 8 }) },
      nodes: [node('Mul', 'x eight', 'w'), ...nodes],
      outputs,
    },
    shape,
  );

describe('a hard swish, as exporters spell it', () => {
  test.each<[string, readonly NodeSpec[]]>([
    [
      'product, then a sixth',
      [
        node('Add', 'w three', 'a'),
        node('Clip', 'a zero six', 'b'),
        node('Mul', 'w b', 'c'),
        node('Div', 'c six', 'y'),
      ],
    ],
    [
      'a sixth, then the product',
      [
        node('Add', 'three w', 'a'),
        node('Clip', 'a zero six', 'b'),
        node('Div', 'b six', 'c'),
        node('Mul', 'c w', 'y'),
      ],
    ],
    [
      'hard sigmoid of its own',
      [node('HardSigmoid', 'w', 'a', { attributes: { alpha: { float: 1 / 6 } } }), node('Mul', 'w a', 'y')],
    ],
    [
      'a ramp between 0 and 1',
      [
        node('Mul', 'w sixth', 'a'),
        node('Add', 'a half', 'b'),
        node('Clip', 'b zero one', 'c'),
        node('Mul', 'w c', 'y'),
      ],
    ],
  ])('%s', async (_, nodes) => {
    const { kinds, wrong } = await run(nodes);
    expect(kinds.filter((kind) => kind !== 'affine')).toEqual(['hard-swish']);
    expect(wrong).toEqual([]);
  });
});

test('what only looks like a hard swish stays as it is', async () => {
  const { kinds, wrong } = await run([
    node('Add', 'w two', 'a'),
    node('Clip', 'a zero six', 'b'),
    node('Mul', 'w b', 'c'),
    node('Div', 'c six', 'y'),
  ]);
  expect(kinds).toEqual(['affine', 'affine', 'clip', 'mul', 'affine']);
  expect(wrong).toEqual([]);
});

test('a product that is also returned stays', async () => {
  const nodes = [
    node('Add', 'w three', 'a'),
    node('Clip', 'a zero six', 'b'),
    node('Mul', 'w b', 'c'),
    node('Div', 'c six', 'y'),
  ];
  const { graph, kinds, wrong } = await run(nodes, ['y', 'c']);
  expect(kinds).toEqual(['affine', 'affine', 'clip', 'mul', 'affine']);
  expect(graph.outputs.map(({ value }) => value)).toEqual(['y', 'c']);
  expect(wrong).toEqual([]);
});

test('a hard sigmoid as shift, clip and factor', async () => {
  const { kinds, wrong, graph } = await run([
    node('Add', 'w three', 'a'),
    node('Clip', 'a zero six', 'b'),
    node('Mul', 'b sixth', 'y'),
  ]);
  expect(kinds).toEqual(['hard-sigmoid']);
  expect(graph.ops[0]).toMatchObject({ output: 'y', input: 'x' });
  expect(wrong).toEqual([]);
});

test('SiLU, also with a factor of 1', async () => {
  const { kinds, wrong } = await run([
    node('Mul', 'w one', 'a'),
    node('Sigmoid', 'a', 'b'),
    node('Mul', 'w b', 'y'),
  ]);
  expect(kinds).toEqual(['affine', 'silu']);
  expect(wrong).toEqual([]);
});
