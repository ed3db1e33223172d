import { expect, test } from 'vitest';
import { importModel } from '../import.ts';
import { noise, tried } from '../../testing/imported.ts';
import { model, type NodeSpec } from '../../testing/models.ts';

const by = (
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: NodeSpec['attributes'] = {},
): NodeSpec => ({
  operator,
  inputs,
  outputs: [output],
  attributes,
});
const last = { axes: [-1] } as const;
const initializers = {
  two: { shape: [], data: [2] },
  epsilon: { shape: [], data: [1e-3] },
  gamma: noise([8], 'gamma'),
  beta: noise([8], 'beta'),
};
const square = by('Pow', ['d', 'two'], 's');

function norm(squared: NodeSpec): NodeSpec[] {
  return [
    by('ReduceMean', ['x'], 'm', last),
    by('Sub', ['x', 'm'], 'd'),
    squared,
    by('ReduceMean', ['s'], 'v', last),
    by('Add', ['v', 'epsilon'], 'e'),
    by('Sqrt', ['e'], 'r'),
    by('Div', ['d', 'r'], 'n'),
    by('Mul', ['n', 'gamma'], 'g'),
    by('Add', ['g', 'beta'], 'y'),
  ];
}

test.each([square, by('Mul', ['d', 'd'], 's')])(
  'a layer norm in pieces is one operation ($operator)',
  async (squared) => {
    const { graph, kinds, wrong } = await tried(
      { initializers, nodes: norm(squared), outputs: ['y'] },
      [1, 5, 8],
    );
    expect(kinds).toEqual(['layer-norm']);
    expect(graph.ops[0]).toMatchObject({ input: 'x', output: 'y', epsilon: Math.fround(1e-3) });
    expect(wrong).toEqual([]);
  },
);

test('a layer norm of something else than its own deviation is refused by name', () => {
  const nodes = norm(by('Pow', ['x', 'two'], 's'));
  const file = model({ inputs: { x: [1, 5, 8] }, initializers, nodes, outputs: ['y'] });
  const outcome = importModel(file, [1, 5, 8]);
  expect(outcome).toMatchObject({ ok: false, code: 'UNSUPPORTED' });
  expect(outcome.ok ? '' : outcome.message).toMatch(/^m: .*layer norm/);
});
