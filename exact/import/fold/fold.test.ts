import { expect, test } from 'vitest';
import { noise, tried } from '../../testing/imported.ts';
import type { AttributeSpec, NodeSpec, TensorSpec } from '../../testing/models.ts';

const ints = (...data: number[]): TensorSpec => ({ shape: [data.length], data, type: 'int64' });
const whole = (value: number): TensorSpec => ({ shape: [], data: [value], type: 'int64' });
const matrix = noise([3, 4], 'matrix');
const positive = { shape: [3, 4], data: matrix.data.map((value) => Math.abs(value) + 0.1) };
const wide = { shape: [3, 4], data: matrix.data.map((value) => 10 * value) };
const row = noise([1, 4], 'row');

type Case = [
  operator: string,
  constants: readonly TensorSpec[],
  size: number,
  attributes?: Readonly<Record<string, AttributeSpec>>,
];

/** Every operator on constants; `size` numbers come out. */
const CASES: readonly Case[] = [
  ...['Add', 'Sub', 'Mul', 'Div', 'Min', 'Max'].map((operator): Case => [operator, [matrix, row], 12]),
  ['Pow', [positive, row], 12],
  ['Div', [ints(-7, 7, 9), ints(2)], 3],
  ['Equal', [ints(1, 2, 3), ints(1, 0, 3)], 3],
  ['Less', [matrix, row], 12],
  ['Greater', [matrix, row], 12],
  ...['Neg', 'Abs', 'Exp', 'Floor', 'Ceil', 'Identity'].map((operator): Case => [operator, [matrix], 12]),
  ...['Sqrt', 'Reciprocal'].map((operator): Case => [operator, [positive], 12]),
  ['Slice', [matrix, ints(1, -3), ints(3, 9), ints(0, 1), ints(1, 2)], 4],
  ['Slice', [matrix, ints(0), ints(9), ints(1), ints(2)], 6],
  ['Gather', [matrix, ints(2, -1, 0)], 9, { axis: 1 }],
  ['Gather', [matrix, whole(1)], 4],
  ['Concat', [matrix, row], 16, { axis: 0 }],
  ['Concat', [matrix, matrix], 24, { axis: -1 }],
  ['Reshape', [matrix, ints(2, -1)], 12],
  ['Squeeze', [row, ints(0)], 4],
  ['Unsqueeze', [row, ints(0, -1)], 4],
  ['Transpose', [matrix], 12],
  ['Expand', [row, ints(3, 1)], 12],
  ['Shape', [matrix], 2],
  ['Shape', [matrix], 1, { start: -1 }],
  ['ConstantOfShape', [ints(2, 3)], 6, { value: { tensor: { shape: [1], data: [0.5] } } }],
  ['Range', [whole(2), whole(11), whole(3)], 3],
  ['Cast', [wide], 12, { to: 7 }],
  ['Cast', [matrix], 12, { to: 9 }],
  ['Constant', [], 3, { value_floats: { floats: [1, -2, 0.5] } }],
  ['Constant', [], 2, { value_ints: [4, -5] }],
  ['Constant', [], 1, { value_int: 4 }],
  ['Constant', [], 1, { value_float: { float: 0.5 } }],
  ['Constant', [], 4, { value: { tensor: row } }],
];

test.each(CASES)('%s of constants (%#)', async (operator, constants, size, attributes = {}) => {
  const inputs = constants.map((_, index) => `c${index}`);
  const nodes: NodeSpec[] = [
    { operator, inputs, outputs: ['made'], attributes },
    { operator: 'Reshape', inputs: ['made', 'flat'], outputs: ['line'] },
    { operator: 'Cast', inputs: ['line'], outputs: ['floats'], attributes: { to: 1 } },
    { operator: 'Add', inputs: ['x', 'floats'], outputs: ['y'] },
  ];
  const named = constants.map((tensor, index) => [`c${index}`, tensor] as const);
  const initializers = { ...Object.fromEntries(named), flat: ints(-1) };
  const { kinds, wrong, graph } = await tried({ initializers, nodes, outputs: ['y'] }, [1, size]);
  expect(kinds).toEqual(['affine']);
  expect(wrong).toEqual([]);
  expect(graph.shapes.get('y')).toEqual([1, size]);
});

test('a choice between constants', async () => {
  const nodes: NodeSpec[] = [
    { operator: 'Less', inputs: ['matrix', 'row'], outputs: ['less'] },
    { operator: 'Not', inputs: ['less'], outputs: ['more'] },
    { operator: 'Where', inputs: ['more', 'matrix', 'row'], outputs: ['chosen'] },
    { operator: 'Reshape', inputs: ['chosen', 'flat'], outputs: ['line'] },
    { operator: 'Add', inputs: ['x', 'line'], outputs: ['y'] },
  ];
  const { kinds, wrong } = await tried(
    { initializers: { matrix, row, flat: ints(-1) }, nodes, outputs: ['y'] },
    [1, 12],
  );
  expect(kinds).toEqual(['affine']);
  expect(wrong).toEqual([]);
});

test('zeros of a shape that is computed, added to a value, leave it as it is', async () => {
  const nodes: NodeSpec[] = [
    { operator: 'Relu', inputs: ['x'], outputs: ['r'] },
    { operator: 'Shape', inputs: ['r'], outputs: ['s'] },
    { operator: 'ConstantOfShape', inputs: ['s'], outputs: ['zeros'] },
    { operator: 'Add', inputs: ['r', 'zeros'], outputs: ['y'] },
    { operator: 'HardSwish', inputs: ['y'], outputs: ['z'] },
  ];
  const { graph, wrong } = await tried({ nodes, outputs: ['z'] }, [1, 4]);
  expect(graph.ops).toMatchObject([{ kind: 'clip' }, { kind: 'hard-swish', input: 'r' }]);
  expect(wrong).toEqual([]);
});
