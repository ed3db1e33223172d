import fc from 'fast-check';
import { expect, test } from 'vitest';
import { noise, tried } from '../../testing/imported.ts';
import type { NodeSpec, TensorSpec } from '../../testing/models.ts';

const shape = [1, 4, 6, 5];

const conv = (input: string, output: string, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  operator: 'Conv',
  inputs: [input, `${output}.w`],
  outputs: [output],
  attributes,
});
const by = (operator: string, inputs: readonly string[], output: string): NodeSpec => ({
  operator,
  inputs,
  outputs: [output],
});

const norm = (input: string, output: string): NodeSpec =>
  by('BatchNormalization', [input, 'scale', 'shift', 'shift', 'variance'], output);

const initializers: Record<string, TensorSpec> = {
  scale: noise([4], 'scale'),
  shift: noise([4], 'shift'),
  variance: { shape: [4], data: [0.5, 1, 1.5, 2] },
  channels: noise([1, 4, 1, 1], 'channels'),
  one: { shape: [], data: [0.7] },
  'a.w': noise([4, 4, 1, 1], 'a'),
  'b.w': noise([4, 4, 3, 3], 'b'),
  'd.w': noise([4, 2, 2, 2], 'd'),
};
const pads = { pads: [1, 1, 1, 1] } as const;

test('a batch norm, a bias and a factor go into the conv before them, which makes their value', async () => {
  const nodes = [
    conv('x', 'a'),
    norm('a', 'n'),
    by('Add', ['n', 'channels'], 'm'),
    by('Mul', ['one', 'm'], 'y'),
  ];
  const { graph, kinds, wrong } = await tried({ initializers, nodes, outputs: ['y'] }, shape);
  expect(kinds).toEqual(['conv']);
  expect(graph.ops[0]).toMatchObject({ output: 'y', input: 'x', name: 'y' });
  expect(wrong).toEqual([]);
});

test('a conv that is read elsewhere too keeps its value', async () => {
  const nodes = [conv('x', 'a'), norm('a', 'n'), by('Add', ['a', 'n'], 'y')];
  const { kinds, wrong } = await tried({ initializers, nodes, outputs: ['y'] }, shape);
  expect(kinds).toEqual(['conv', 'affine', 'add']);
  expect(wrong).toEqual([]);
});

test('before a conv without padding a batch norm goes into its weights', async () => {
  const nodes = [
    by('Relu', ['x'], 'r'),
    norm('r', 'n'),
    conv('n', 'a'),
    conv('n', 'b'),
    by('Relu', ['a'], 's'),
  ];
  const { kinds, wrong } = await tried({ initializers, nodes, outputs: ['s', 'b'] }, shape);
  expect(kinds.toSorted()).toEqual(['clip', 'clip', 'conv', 'conv']);
  expect(wrong).toEqual([]);
});

test('before a padded conv only a factor does: a shift would not be in the padding', async () => {
  const relu = by('Relu', ['x'], 'r');
  const shifted = await tried(
    { initializers, nodes: [relu, norm('r', 'n'), conv('n', 'b', pads)], outputs: ['b'] },
    shape,
  );
  expect(shifted.kinds).toEqual(['clip', 'affine', 'conv']);
  expect(shifted.wrong).toEqual([]);
  const scaled = by('Mul', ['r', 'channels'], 'n');
  const folded = await tried(
    { initializers, nodes: [relu, scaled, conv('n', 'b', pads)], outputs: ['b'] },
    shape,
  );
  expect(folded.kinds).toEqual(['clip', 'conv']);
  expect(folded.wrong).toEqual([]);
});

test('a value that one reader cannot take in stays for all', async () => {
  const nodes = [
    by('Relu', ['x'], 'r'),
    norm('r', 'n'),
    conv('n', 'a'),
    conv('n', 'b', pads),
    by('Add', ['a', 'b'], 'y'),
  ];
  const { kinds, wrong } = await tried({ initializers, nodes, outputs: ['y'] }, shape);
  expect(kinds).toEqual(['clip', 'affine', 'conv', 'conv', 'add']);
  expect(wrong).toEqual([]);
});

test('a value that is returned is not folded away', async () => {
  const nodes = [conv('x', 'a'), norm('a', 'n'), conv('n', 'b')];
  const all = await tried({ initializers, nodes, outputs: ['a', 'n', 'b'] }, shape);
  expect(all.kinds).toEqual(['conv', 'affine', 'conv']);
  expect(all.graph.ops[2]).toMatchObject({ input: 'n' });
  expect(all.wrong).toEqual([]);
});

test('a transposed conv in groups takes a batch norm in', async () => {
  const transposed = {
    operator: 'ConvTranspose',
    inputs: ['x', 'd.w'],
    outputs: ['d'],
    attributes: { strides: [2, 2], group: 2 },
  };
  const { kinds, wrong } = await tried(
    { initializers, nodes: [transposed, norm('d', 'n')], outputs: ['n'] },
    shape,
  );
  expect(kinds).toEqual(['conv-transpose']);
  expect(wrong).toEqual([]);
});

test('a linear layer takes the bias after it, and the scale before it', async () => {
  const spec = {
    initializers: { w: noise([4, 4], 'w'), row: noise([4], 'row') },
    nodes: [
      by('Relu', ['x'], 'r'),
      by('Mul', ['r', 'row'], 's'),
      by('Add', ['s', 'row'], 't'),
      by('MatMul', ['t', 'w'], 'l'),
      by('Add', ['row', 'l'], 'y'),
    ],
    outputs: ['y'],
  };
  const { kinds, wrong } = await tried(spec, [1, 3, 4]);
  expect(kinds).toEqual(['clip', 'linear']);
  expect(wrong).toEqual([]);
});

test('of four axes, the last is not the channel: a factor for each is not taken into a linear layer', async () => {
  const spec = {
    initializers: { ...initializers, w: noise([5, 5], 'w') },
    nodes: [by('MatMul', ['x', 'w'], 'l'), norm('l', 'n')],
    outputs: ['n'],
  };
  const { kinds, wrong } = await tried(spec, shape);
  expect(kinds).toEqual(['linear', 'affine']);
  expect(wrong).toEqual([]);
});

const step = fc.constantFrom(
  'conv',
  'padded',
  'depthwise',
  'norm',
  'factor',
  'channels',
  'shift',
  'relu',
  'residual',
);

test('any stack of convs, norms, factors and residuals keeps every value', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
      const weights: Record<string, TensorSpec> = {};
      const nodes = steps.map((kind, index): NodeSpec => {
        const [input, earlier, output] = [
          index === 0 ? 'x' : `v${index - 1}`,
          index < 2 ? 'x' : `v${index - 2}`,
          `v${index}`,
        ];
        weights[`${output}.w`] = noise(
          kind === 'conv' ? [4, 4, 1, 1] : kind === 'depthwise' ? [4, 1, 3, 3] : [4, 4, 3, 3],
          output,
        );
        switch (kind) {
          case 'conv':
            return conv(input, output);
          case 'padded':
            return conv(input, output, pads);
          case 'depthwise':
            return conv(input, output, { ...pads, group: 4 });
          case 'norm':
            return norm(input, output);
          case 'factor':
            return by('Mul', [input, 'one'], output);
          case 'channels':
            return by('Mul', [input, 'channels'], output);
          case 'shift':
            return by('Add', ['channels', input], output);
          case 'relu':
            return by('Relu', [input], output);
          case 'residual':
            return by('Add', [input, earlier], output);
        }
      });
      const spec = {
        initializers: { ...initializers, ...weights },
        nodes,
        outputs: [`v${steps.length - 1}`],
      };
      const { graph, wrong } = await tried(spec, shape);
      expect(wrong).toEqual([]);
      expect(graph.ops.length).toBeLessThanOrEqual(steps.length);
    }),
    { numRuns: 60 },
  );
});
