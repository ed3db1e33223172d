import { expect, it } from 'vitest';
import { Random } from '../../subnet/models/random.ts';
import type { Builder } from '../compile/builder.ts';
import { evaluate } from '../oracle/oracle.ts';
import { dialect } from '../testing/dialect.ts';
import { checkExact } from './check.ts';

type Step = (b: Builder, value: string, other: string, random: Random) => string;

const NEAREST = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
const ORDERS = [
  [0, 2, 1, 3],
  [0, 3, 2, 1],
  [0, 2, 3, 1],
  [0, 3, 1, 2],
];
const ELEMENTWISE = ['Add', 'Sub', 'Mul', 'Max', 'Min'] as const;

/** Operators that move ranges from axis to axis, mix them or meet them; many a size does not fit, and is refused. */
const STEPS: readonly Step[] = [
  (b, v, _, r) => b.node('Transpose', [v], 'turned', { perm: r.pick(ORDERS) }),
  (b, v, _, r) => {
    const kernel_shape = [1 + r.below(2), 1 + r.below(2)];
    const pads = [...kernel_shape, ...kernel_shape].map((size) => r.below(size));
    return b.node('MaxPool', [v], 'pooled', { kernel_shape, pads, strides: [1 + r.below(2), 1] });
  },
  (b, v, _, r) => {
    const scales = b.floats('scales', [4], [1, 1, 1 + r.below(2), 1 + r.below(2)]);
    return b.node('Resize', [v, '', scales], 'grown', NEAREST);
  },
  (b, v, _, r) => b.node('ReduceMax', [v], 'most', { axes: [1 + r.below(3)], keepdims: 1 }),
  (b, v, _, r) => b.node('ReduceSum', [v, b.integers([1 + r.below(3)])], 'summed'),
  (b, v, other, r) => b.node('Concat', [v, other], 'joined', { axis: 1 + r.below(3) }),
  (b, v, _, r) => {
    const [start, end, axis] = [r.below(2), r.pick([1, 2, -1, 9]), 1 + r.below(3)];
    return b.node('Slice', [v, b.integers([start]), b.integers([end]), b.integers([axis])], 'cut');
  },
  (b, v, _, r) => {
    const target = r.pick([
      [0, -1, 2, 1],
      [0, 3, -1, 1],
      [0, 1, 3, -1],
      [-1, 2, 2, 3],
      [0, 0, -1, 1],
    ]);
    return b.node('Reshape', [v, b.integers(target)], 'shaped');
  },
  (b, v, other, r) => b.node(r.pick(ELEMENTWISE), [v, other], 'met'),
  (b, v, _, r) => {
    const size = 1 + r.below(3);
    const shape = r.pick([[size, 1, 1], [1, size, 1], [1, 1, size], [size]]);
    return b.node(r.pick(ELEMENTWISE), [v, b.floats('k', shape, [1, -2, 0.5].slice(0, size))], 'scaled');
  },
  (b, v, other) => b.node('MatMul', [v, other], 'product'),
];

/** A few steps from an image whose channels have different ranges and grids. */
function randomFile(random: Random, input: readonly [number, number, number]): Uint8Array {
  const [channels] = input;
  return dialect({
    input,
    low: -4,
    high: 7,
    body: (b, x) => {
      const factors = b.floats('factors', [channels, 1, 1], [1, 3, 0.5].slice(0, channels));
      const shifts = b.floats('shifts', [channels, 1, 1], [100, 0, -0.25].slice(0, channels));
      const values = [b.node('Add', [b.node('Mul', [x, factors], 'uneven'), shifts], 'uneven')];
      const steps = 1 + random.below(4);
      for (let i = 0; i < steps; i++)
        values.push(random.pick(STEPS)(b, values.at(-1) ?? x, random.pick([...values, x]), random));
      return { y: b.node('Floor', [values.at(-1) ?? x], 'whole') };
    },
  });
}

it('no value is outside of what was proved, however ranges move between axes', () => {
  const random = Random.from('exact/shapes');
  const wrong: string[] = [];
  let certified = 0;
  for (let graph = 0; graph < 4_000; graph++) {
    const input = [1 + random.below(3), random.pick([1, 2, 4]), 1 + random.below(3)] as const;
    const file = randomFile(random, input);
    if (!checkExact(file).ok) continue;
    certified++;
    const shape = [1 + random.below(2), ...input];
    const count = shape.reduce((product, size) => product * size, 1);
    const data = Float64Array.from({ length: count }, () => random.pick([-4, 7, random.below(12) - 4]));
    const evaluated = evaluate(file, { shape, data });
    if (!evaluated.ok) wrong.push(`${graph}: ${evaluated.code}: ${evaluated.message}`);
  }
  expect(wrong).toEqual([]);
  expect(certified).toBeGreaterThan(1_000);
});
