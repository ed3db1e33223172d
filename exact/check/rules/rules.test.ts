import { describe, expect, it } from 'vitest';
import type { Builder } from '../../compile/builder.ts';
import { dialect } from '../../testing/dialect.ts';
import { infer } from '../infer.ts';
import { readModel } from '../model.ts';
import { whole } from '../type.ts';

type Options = { input?: readonly number[]; low?: number; high?: number };
type Body = (builder: Builder, x: string) => string;

/** The type of what `body` makes: [low, high, fraction] by channel, its axis and shape. Throws what refuses it. */
function typeOf(body: Body, { input = [2, 4, 4], low = -8, high = 7 }: Options = {}) {
  let name = '';
  const file = dialect({
    input,
    low,
    high,
    body: (builder, x) => {
      name = body(builder, x);
      const flat = builder.node('Floor', [name], 'flat');
      return {
        y: builder.node('Reshape', [flat, builder.integers([0, -1, ...input.slice(1).map(() => 1)])], 'last'),
      };
    },
  });
  const { types } = infer(readModel(file));
  const type = types.get(name);
  if (type === undefined) throw new Error('no type');
  const ranges = Array.from(type.low, (least, at) => [least, type.high[at], type.fraction[at]]);
  return { shape: type.shape, axis: type.axis, ranges, sums: [whole(type).negative, whole(type).positive] };
}

/** By channel −1 to 1 and −101 to 101, of [2, 4, 4]. */
const uneven: Body = (b, x) => {
  const scaled = b.node('Mul', [x, b.floats('factors', [2, 1, 1], [1, 101])], 'wide');
  const low = b.node('Max', [scaled, b.floats('lows', [2, 1, 1], [-1, -101])], 'lows0');
  return b.node('Min', [low, b.floats('highs', [2, 1, 1], [1, 101])], 'uneven');
};
const UNEVEN = [
  [-1, 1, 0],
  [-101, 101, 0],
];

describe('elementwise', () => {
  it('Add and Sub: ends add up, on the finer grid', () => {
    expect(typeOf((b, x) => b.node('Add', [x, b.scalar(0.25)], 'y')).ranges[0]).toEqual([-7.75, 7.25, 2]);
    expect(typeOf((b, x) => b.node('Sub', [b.scalar(1), x], 'y')).ranges[0]).toEqual([-6, 9, 0]);
    expect(typeOf((b, x) => b.node('Sub', [x, x], 'y')).ranges[0]).toEqual([-15, 15, 0]);
  });

  it('Mul: fractions add up; squares are not negative', () => {
    const half = (b: Builder, x: string): string => b.node('Mul', [x, b.scalar(0.5)], 'half');
    expect(typeOf((b, x) => half(b, x)).ranges[0]).toEqual([-4, 3.5, 1]);
    expect(typeOf((b, x) => b.node('Mul', [half(b, x), b.scalar(0.25)], 'y')).ranges[0]).toEqual([
      -1, 0.875, 3,
    ]);
    expect(typeOf((b, x) => b.node('Mul', [half(b, x), x], 'y')).ranges[0]).toEqual([-28, 32, 1]);
    expect(typeOf((b, x) => b.node('Mul', [x, x], 'y')).ranges[0]).toEqual([0, 64, 0]);
    expect(typeOf((b, x) => b.node('Mul', [x, x], 'y'), { low: 3 }).ranges[0]).toEqual([9, 49, 0]);
    expect(typeOf((b, x) => b.node('Mul', [x, x], 'y'), { low: -9, high: -2 }).ranges[0]).toEqual([4, 81, 0]);
  });

  it('Clip and Relu: bounds, which make the grid finer where they are reached', () => {
    const clip =
      (low: number, high: number): Body =>
      (b, x) =>
        b.node('Clip', [x, b.scalar(low), b.scalar(high)], 'y');
    expect(typeOf(clip(0, 5)).ranges[0]).toEqual([0, 5, 0]);
    expect(typeOf(clip(-0.5, 5)).ranges[0]).toEqual([-0.5, 5, 1]);
    expect(typeOf(clip(0, 5.25)).ranges[0]).toEqual([0, 5.25, 2]);
    expect(typeOf(clip(-8.5, 7.5)).ranges[0]).toEqual([-8, 7, 0]);
    expect(typeOf((b, x) => b.node('Relu', [x], 'y')).ranges[0]).toEqual([0, 7, 0]);
    expect(() => typeOf(clip(5, 4))).toThrow('above');
  });

  it('Clip ends a sum', () => {
    const sum: Body = (b, x) => b.node('Add', [b.node('Add', [x, b.scalar(100)], 's'), b.scalar(-100)], 't');
    expect(typeOf(sum)).toMatchObject({
      ranges: [
        [-8, 7, 0],
        [-8, 7, 0],
      ],
      sums: [-108, 107],
    });
    const clipped: Body = (b, x) => b.node('Clip', [sum(b, x), b.scalar(-9), b.scalar(9)], 'y');
    expect(typeOf(clipped).sums).toEqual([-8, 7]);
  });

  it('Floor: whole numbers, coarser grids stay', () => {
    const scaled =
      (factor: number): Body =>
      (b, x) =>
        b.node('Floor', [b.node('Mul', [x, b.scalar(factor)], 's')], 'y');
    expect(typeOf(scaled(0.25)).ranges[0]).toEqual([-2, 1, 0]);
    expect(typeOf(scaled(4)).ranges[0]).toEqual([-32, 28, -2]);
  });

  it('HardSigmoid: a power of two times x, plus beta', () => {
    const gate =
      (alpha: number, beta: number): Body =>
      (b, x) =>
        b.node('HardSigmoid', [x], 'y', { alpha: { float: alpha }, beta: { float: beta } });
    expect(typeOf(gate(1 / 16, 0.5)).ranges[0]).toEqual([0, 0.9375, 4]);
    expect(typeOf(gate(1 / 4, 0.5)).ranges[0]).toEqual([0, 1, 2]);
    for (const alpha of [0.2, 3 / 16, -1 / 16, 0])
      expect(() => typeOf(gate(alpha, 0.5))).toThrow('power of two');
    // Beta may be finer than alpha · x, as far as both fit: 2^24 − 1 steps of 2^-24 and 1/2 more do not.
    expect(() => typeOf(gate(1 / 16, 2 ** -22))).not.toThrow();
    expect(() => typeOf(gate(1 / 16, Math.fround(0.3)))).not.toThrow();
    expect(() => typeOf(gate(8, 2 ** -20))).toThrow('sums');
  });

  it('keeps channels apart', () => {
    expect(typeOf(uneven)).toMatchObject({ axis: 1, ranges: UNEVEN });
    expect(typeOf((b, x) => b.node('Add', [uneven(b, x), x], 'y')).ranges).toEqual([
      [-9, 8, 0],
      [-109, 108, 0],
    ]);
  });

  it('needs shapes that meet, and no constant with a batch', () => {
    expect(() => typeOf((b, x) => b.node('Add', [x, b.floats('c', [3, 1, 1], [1, 2, 3])], 'y'))).toThrow(
      'meets',
    );
    expect(() => typeOf((b, x) => b.node('Add', [x, b.floats('c', [2, 1, 1, 1], [1, 2])], 'y'))).toThrow(
      'batch',
    );
    expect(() => typeOf((b, x) => b.node('Add', [x, b.floats('c', [1, 1, 1, 1, 1], [1])], 'y'))).toThrow(
      'axes',
    );
    expect(() => typeOf((b, x) => b.node('Add', [x, b.integers([1])], 'y'))).toThrow('f32');
  });
});

describe('linear', () => {
  it('Conv: the inputs of its group, every tap, and bias on the common grid', () => {
    const conv =
      (group: number, attributes = {}): Body =>
      (b, x) =>
        b.node(
          'Conv',
          [
            uneven(b, x),
            b.floats('w', [2, 2 / group, 1, 2], [1, 1, 0.5, 0.5, 2, 2, 4, 4].slice(0, 8 / group)),
            b.floats('b', [2], [0.125, 0]),
          ],
          'y',
          { group, ...attributes },
        );
    expect(typeOf(conv(2))).toMatchObject({
      shape: [1, 2, 4, 3],
      ranges: [
        [-1.875, 2.125, 3],
        [-101, 101, 1],
      ],
    });
    expect(typeOf(conv(1)).ranges).toEqual([
      [-102.875, 103.125, 3],
      [-812, 812, -1],
    ]);
    expect(typeOf(conv(1, { strides: [2, 1], pads: [1, 1, 0, 0] })).shape).toEqual([1, 2, 3, 4]);
    expect(() => typeOf(conv(1, { pads: [-1, 0, 0, 0] }))).toThrow('pads');
    expect(() => typeOf(conv(1, { kernel_shape: [1, 1] }))).toThrow('kernel_shape');
    expect(() => typeOf(conv(1, { auto_pad: 'SAME_UPPER' }))).toThrow('auto_pad');
    expect(() => typeOf(conv(1, { dilations: [1, 4] }))).toThrow('does not fit');
  });

  it('ConvTranspose: kernels that neither overlap nor leave gaps', () => {
    const transposed =
      (strides: number[], attributes = {}): Body =>
      (b, x) =>
        b.node('ConvTranspose', [uneven(b, x), b.floats('w', [2, 1, 2, 2], [1, 2, 3, 4, 0, 0, 0, 1])], 'y', {
          strides,
          ...attributes,
        });
    expect(typeOf(transposed([2, 2]))).toMatchObject({ shape: [1, 1, 8, 8], ranges: [[-105, 105, 0]] });
    for (const strides of [
      [1, 1],
      [2, 1],
      [3, 3],
    ])
      expect(() => typeOf(transposed(strides))).toThrow('overlap');
    expect(() => typeOf(transposed([2, 2], { pads: [0, 0, 1, 1] }))).toThrow('pads');
    expect(() => typeOf(transposed([2, 2], { output_padding: [1, 1] }))).toThrow('output_padding');
  });

  const sequence = { input: [3, 2], low: -1, high: 2 };
  it('MatMul: weights by column, activations by the worst products', () => {
    const weights: Body = (b, x) => b.node('MatMul', [x, b.floats('w', [2, 2], [1, 0.5, -3, 0.5])], 'y');
    expect(typeOf(weights, sequence)).toMatchObject({
      shape: [1, 3, 2],
      axis: 2,
      ranges: [
        [-7, 5, 0],
        [-1, 2, 1],
      ],
    });
    const flip = (b: Builder, x: string): string => b.node('Transpose', [x], 'flip', { perm: [0, 2, 1] });
    const square: Body = (b, x) => b.node('MatMul', [x, flip(b, x)], 'y');
    expect(typeOf(square, sequence)).toMatchObject({ shape: [1, 3, 3], ranges: [[-4, 8, 0]] });
    const other: Body = (b, x) => b.node('MatMul', [flip(b, x), x], 'y');
    expect(typeOf(other, sequence)).toMatchObject({
      shape: [1, 2, 2],
      axis: 2,
      ranges: [
        [-6, 12, 0],
        [-6, 12, 0],
      ],
    });
    const fine: Body = (b, x) => b.node('MatMul', [b.node('Mul', [x, b.scalar(0.5)], 'h'), flip(b, x)], 'y');
    expect(typeOf(fine, sequence).ranges).toEqual([[-2, 4, 1]]);
    expect(() => typeOf((b, x) => b.node('MatMul', [x, x], 'y'), sequence)).toThrow('·');
  });

  it('ReduceSum: as many terms as there are, over channels too; never over the batch', () => {
    const sum =
      (axes: number[], attributes = {}): Body =>
      (b, x) =>
        b.node('ReduceSum', [uneven(b, x), b.integers(axes)], 'y', attributes);
    expect(typeOf(sum([2, 3]))).toMatchObject({
      shape: [1, 2, 1, 1],
      ranges: [
        [-16, 16, 0],
        [-1616, 1616, 0],
      ],
    });
    expect(typeOf(sum([1, -1]))).toMatchObject({ shape: [1, 1, 4, 1], ranges: [[-408, 408, 0]] });
    expect(() => typeOf(sum([0]))).toThrow('axes');
    expect(() => typeOf(sum([2, -2]))).toThrow('axes');
    expect(() => typeOf(sum([2], { keepdims: 0 }))).toThrow('keepdims');
  });
});

describe('moving', () => {
  it('MaxPool: whole windows, pads smaller than the kernel', () => {
    const pool =
      (attributes: Record<string, number | number[]>): Body =>
      (b, x) =>
        b.node('MaxPool', [uneven(b, x)], 'y', { kernel_shape: [2, 3], ...attributes });
    expect(typeOf(pool({ pads: [1, 2, 0, 0], strides: [2, 1] }))).toMatchObject({
      shape: [1, 2, 2, 4],
      ranges: UNEVEN,
    });
    expect(() => typeOf(pool({ pads: [2, 0, 0, 0] }))).toThrow('pads');
    expect(() => typeOf(pool({ pads: [0, 0, 0, 3] }))).toThrow('pads');
    expect(() => typeOf(pool({ ceil_mode: 1 }))).toThrow('ceil_mode');
  });

  it('Resize: nearest, asymmetric, floor, by powers of two', () => {
    const good = { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
    const resize =
      (factor: number, attributes = {}): Body =>
      (b, x) =>
        b.node('Resize', [uneven(b, x), '', b.floats('s', [4], [1, 1, 2, factor])], 'y', {
          ...good,
          ...attributes,
        });
    expect(typeOf(resize(4))).toMatchObject({ shape: [1, 2, 8, 16], ranges: UNEVEN });
    for (const factor of [3, 0.5, 1.5]) expect(() => typeOf(resize(factor))).toThrow('scales');
    expect(() => typeOf(resize(2, { mode: 'linear' }))).toThrow('mode');
    expect(() => typeOf(resize(2, { coordinate_transformation_mode: 'half_pixel' }))).toThrow('coordinate');
    expect(() => typeOf(resize(2, { nearest_mode: 'round_prefer_floor' }))).toThrow('nearest_mode');
    expect(() => typeOf(resize(2, { exclude_outside: 1 }))).toThrow('exclude_outside');
  });

  it('Concat: channels beside each other, or the union along other axes', () => {
    const concat =
      (axis: number): Body =>
      (b, x) =>
        b.node('Concat', [uneven(b, x), x], 'y', { axis });
    expect(typeOf(concat(1)).ranges).toEqual([...UNEVEN, [-8, 7, 0], [-8, 7, 0]]);
    expect(typeOf(concat(-1))).toMatchObject({
      shape: [1, 2, 4, 8],
      ranges: [
        [-8, 7, 0],
        [-101, 101, 0],
      ],
    });
    expect(() => typeOf(concat(0))).toThrow('axis');
  });

  it('Reshape and Transpose follow the channels, or take one range for all', () => {
    const reshape =
      (...target: number[]): Body =>
      (b, x) =>
        b.node('Reshape', [uneven(b, x), b.integers(target)], 'y');
    expect(typeOf(reshape(0, 2, 16))).toMatchObject({ shape: [1, 2, 16], axis: 1, ranges: UNEVEN });
    expect(typeOf(reshape(-1, 2, 4, 2, 2))).toMatchObject({ axis: 1, ranges: UNEVEN });
    expect(typeOf(reshape(0, -1))).toMatchObject({ shape: [1, 32], axis: null, ranges: [[-101, 101, 0]] });
    expect(typeOf(reshape(0, 4, 2, 4))).toMatchObject({ axis: null });
    for (const target of [
      [1, 32],
      [2, 16],
      [0, -1, -1],
      [0, 5, -1],
      [-1, 16],
      [32, 0],
    ])
      expect(() => typeOf(reshape(...target))).toThrow(/into|batch/);
    const turned =
      (...perm: number[]): Body =>
      (b, x) =>
        b.node('Transpose', [uneven(b, x)], 'y', { perm });
    expect(typeOf(turned(0, 2, 3, 1))).toMatchObject({ shape: [1, 4, 4, 2], axis: 3, ranges: UNEVEN });
    for (const perm of [
      [1, 0, 2, 3],
      [0, 1, 2],
      [0, 1, 1, 3],
      [0, 1, 2, 4],
    ])
      expect(() => typeOf(turned(...perm))).toThrow('perm');
    // One channel is as large as the batch seems here, and is not the batch.
    const one: Body = (b, x) => b.node('Reshape', [x, b.integers([0, 1, 4])], 'y');
    expect(typeOf(one, { input: [1, 2, 2] })).toMatchObject({ axis: 1 });
  });

  it('Slice: the channels that stay', () => {
    const slice =
      (axis: number, start: number, end: number, step = 1): Body =>
      (b, x) =>
        b.node('Slice', [uneven(b, x), ...[start, end, axis, step].map((value) => b.integers([value]))], 'y');
    expect(typeOf(slice(1, 1, 2))).toMatchObject({ shape: [1, 1, 4, 4], ranges: [[-101, 101, 0]] });
    expect(typeOf(slice(-1, -3, 1000))).toMatchObject({ shape: [1, 2, 4, 3], ranges: UNEVEN });
    expect(() => typeOf(slice(1, 0, 2, 2))).toThrow('steps');
    expect(() => typeOf(slice(0, 0, 1))).toThrow('axis');
    expect(() => typeOf(slice(1, 2, 2))).toThrow('nothing');
  });

  it('Cast and Gather: whole numbers within the table', () => {
    const gather =
      (scale: number, entries: number[]): Body =>
      (b, x) => {
        const scaled = b.node(
          'Mul',
          [b.node('Clip', [x, b.scalar(1), b.scalar(3)], 'clip'), b.scalar(scale)],
          'scaled',
        );
        return b.node(
          'Gather',
          [b.floats('t', [entries.length], entries), b.node('Cast', [scaled], 'i', { to: 6 })],
          'y',
          { axis: 0 },
        );
      };
    // Entry 0 is not reached.
    expect(typeOf(gather(1, [0.125, 5, -2, 0.5])).ranges[0]).toEqual([-2, 5, 1]);
    expect(() => typeOf(gather(1, [0, 5, -2]))).toThrow('index');
    expect(() => typeOf(gather(-1, [0, 5, -2, 1]))).toThrow('index');
    expect(() => typeOf(gather(0.5, [0, 5, -2, 1]))).toThrow('whole');
    expect(() => typeOf((b, x) => b.node('Cast', [x], 'y', { to: 7 }))).toThrow('attribute to');
  });

  it('ReduceMax: bounds stay', () => {
    const most: Body = (b, x) => b.node('ReduceMax', [uneven(b, x)], 'y', { axes: [1], keepdims: 1 });
    expect(typeOf(most)).toMatchObject({ shape: [1, 1, 4, 4], ranges: [[-101, 101, 0]] });
  });
});
