import { Accumulator } from '../accumulator.ts';
import type { Context } from '../context.ts';
import { count } from '../tensor.ts';
import { along, type Range, type TensorType, typeOf, union, whole } from '../type.ts';

/** The bias of each channel; zeros where the input is left out. */
function biasOf(context: Context, index: number, channels: number): Float64Array {
  if (context.absent(index)) return new Float64Array(channels);
  const { shape, data } = context.constant(index);
  if (shape.length !== 1 || data.length !== channels)
    throw context.refuse(`a bias of [${shape.join(', ')}] for ${channels} channels`);
  return data;
}

/** [1, channels, height, width] */
function image(context: Context, type: TensorType): readonly [number, number, number] {
  const [, channels, height, width, ...more] = type.shape;
  if (channels === undefined || height === undefined || width === undefined || more.length > 0)
    throw context.refuse(`an image is expected, not [${type.shape.join(', ')}]`);
  return [channels, height, width];
}

/** The size of what slides: padding of both sides included, each window whole. */
export function windows(
  context: Context,
  size: readonly [number, number],
  kernel: readonly [number, number],
  pads: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): [number, number] {
  const along = (axis: 0 | 1): number => {
    const span = size[axis] + (pads[axis] ?? 0) + (pads[axis + 2] ?? 0);
    const windows =
      Math.floor((span - (dilations[axis] ?? 1) * (kernel[axis] - 1) - 1) / (strides[axis] ?? 1)) + 1;
    if (windows < 1) throw context.refuse(`a kernel of ${kernel[axis]} does not fit a size of ${span}`);
    return windows;
  };
  return [along(0), along(1)];
}

/** Shape of the weights, and what both kinds of convolution must say of themselves. */
function kernelOf(context: Context): readonly [number, number, number, number] {
  const [a, b, height, width, ...more] = context.constant(1).shape;
  if (a === undefined || b === undefined || height === undefined || width === undefined || more.length > 0)
    throw context.refuse('weights of four axes are expected');
  const [kh, kw] = context.ints('kernel_shape', 2, 1, [height, width]);
  if (kh !== height || kw !== width)
    throw context.refuse('attribute kernel_shape is not that of the weights');
  context.must('auto_pad', 'NOTSET', 'NOTSET');
  return [a, b, height, width];
}

/**
 * Every output sums a subset of its channel's products (windows over the edge lack some) and the bias. Runtimes may sum
 * blocks of channels apart and add them up, start from the bias, or use FMA: all of it sums over subsets.
 */
export function conv(context: Context): TensorType {
  context.arity(2, 3);
  const input = context.activation(0);
  const [channels, height, width] = image(context, input);
  const { data } = context.constant(1);
  const [outputs, perGroup, kh, kw] = kernelOf(context);
  const groups = context.int('group', 1);
  if (groups < 1 || perGroup * groups !== channels || outputs % groups !== 0)
    throw context.refuse(`${groups} groups of ${perGroup} for ${channels} channels, ${outputs} outputs`);
  const strides = context.ints('strides', 2, 1, [1, 1]);
  const dilations = context.ints('dilations', 2, 1, [1, 1]);
  const pads = context.ints('pads', 4, 0, [0, 0, 0, 0]);
  const size = windows(context, [height, width], [kh, kw], pads, strides, dilations);
  const bias = biasOf(context, 2, outputs);
  const inputs = along(input, 1);
  const taps = kh * kw;
  const ranges = Array.from({ length: outputs }, (_, output) => {
    const sum = new Accumulator();
    const first = Math.floor((output * groups) / outputs) * perGroup;
    for (let i = 0; i < perGroup; i++) {
      const range = inputs(first + i);
      for (let tap = 0; tap < taps; tap++)
        sum.weigh(data[(output * perGroup + i) * taps + tap] ?? NaN, range);
    }
    return sum.finish(bias[output]);
  });
  context.macs = count(size) * data.length;
  return typeOf([1, outputs, ...size], 1, context.certify(ranges));
}

/** Kernels as wide as their stride: each output has one tap of every input channel. */
export function convTranspose(context: Context): TensorType {
  context.arity(2, 3);
  const input = context.activation(0);
  const [channels, height, width] = image(context, input);
  const { data } = context.constant(1);
  const [inputs, perGroup, kh, kw] = kernelOf(context);
  const groups = context.int('group', 1);
  if (groups < 1 || inputs !== channels || channels % groups !== 0)
    throw context.refuse(`${groups} groups, weights for ${inputs} channels, ${channels} channels`);
  const strides = context.ints('strides', 2, 1, [1, 1]);
  if (strides[0] !== kh || strides[1] !== kw) throw context.refuse('kernels that overlap or leave gaps');
  context.ints('dilations', 2, 1, [1, 1]).forEach((dilation) => {
    if (dilation !== 1) throw context.refuse('dilations');
  });
  for (const name of ['pads', 'output_padding'])
    if (context.ints(name, null, 0, []).some((pad) => pad !== 0)) throw context.refuse(`attribute ${name}`);
  const outputs = perGroup * groups;
  const bias = biasOf(context, 2, outputs);
  const inputRange = along(input, 1);
  const taps = kh * kw;
  const inGroup = channels / groups;
  const ranges = Array.from({ length: outputs }, (_, output) => {
    const group = Math.floor(output / perGroup);
    const byTap = Array.from({ length: taps }, (_none, tap) => {
      const sum = new Accumulator();
      for (let i = 0; i < inGroup; i++) {
        const channel = group * inGroup + i;
        sum.weigh(data[(channel * perGroup + (output % perGroup)) * taps + tap] ?? NaN, inputRange(channel));
      }
      return sum.finish(bias[output]);
    });
    return byTap.reduce(union);
  });
  context.macs = height * width * data.length;
  return typeOf([1, outputs, height * kh, width * kw], 1, context.certify(ranges));
}

/** [.., M, K] · [K, P] with constant weights, or · [.., K, P] of another activation. */
export function matMul(context: Context): TensorType {
  context.arity(2);
  const a = context.activation(0);
  const rank = a.shape.length;
  const inner = a.shape[rank - 1] ?? 0;
  const aAlong = along(a, rank - 1);
  if (context.isConstant(1)) {
    const { shape, data } = context.constant(1);
    const [rows, columns, ...more] = shape;
    if (rows !== inner || columns === undefined || more.length > 0)
      throw context.refuse(`weights of [${shape.join(', ')}] for [${a.shape.join(', ')}]`);
    const ranges = Array.from({ length: columns }, (_, column) => {
      const sum = new Accumulator();
      for (let k = 0; k < inner; k++) sum.weigh(data[k * columns + column] ?? NaN, aAlong(k));
      return sum.finish();
    });
    context.macs = count(a.shape) * columns;
    return typeOf([...a.shape.slice(0, -1), columns], rank - 1, context.certify(ranges));
  }
  const b = context.activation(1);
  const columns = b.shape[rank - 1] ?? 0;
  // The batch axes are equal: nothing of the batch is broadcast. With fewer than three axes the batch itself would be summed.
  if (
    rank < 3 ||
    b.shape.length !== rank ||
    b.shape[rank - 2] !== inner ||
    a.shape.slice(0, -2).some((size, axis) => size !== b.shape[axis])
  )
    throw context.refuse(`[${a.shape.join(', ')}] · [${b.shape.join(', ')}]`);
  // Whichever axis b has its channels along: rows are summed, columns are the result's channels.
  const byRow = along(b, rank - 2);
  const column = (at: number): Range => {
    const ofColumn = b.axis === rank - 1 ? along(b, rank - 1)(at) : null;
    const sum = new Accumulator();
    for (let k = 0; k < inner; k++) sum.multiply(aAlong(k), ofColumn ?? byRow(k), 1);
    return sum.finish();
  };
  context.macs = count(a.shape) * columns;
  const shape = [...a.shape.slice(0, -1), columns];
  if (b.axis !== rank - 1) return typeOf(shape, null, context.certify([column(0)]));
  return typeOf(shape, rank - 1, context.certify(Array.from({ length: columns }, (_, at) => column(at))));
}

/** Over axes other than the batch; they stay, with size 1. */
export function reduceSum(context: Context): TensorType {
  context.arity(2);
  const input = context.activation(0);
  const rank = input.shape.length;
  const axes = context.integers(1).map((axis) => (axis < 0 ? axis + rank : axis));
  context.must('keepdims', 1, 1);
  context.must('noop_with_empty_axes', 0, 0);
  if (
    axes.length === 0 ||
    new Set(axes).size !== axes.length ||
    axes.some((axis) => axis < 1 || axis >= rank)
  )
    throw context.refuse(`axes [${axes.join(', ')}] of [${input.shape.join(', ')}]`);
  const shape = input.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const terms = count(input.shape) / count(shape);
  const one: Range = { low: 1, high: 1, fraction: 0, positive: 1, negative: 0 };
  const summed = input.axis !== null && axes.includes(input.axis);
  const { axis } = input;
  if (axis === null || summed) {
    const sum = new Accumulator();
    if (axis === null) sum.multiply(whole(input), one, terms);
    else {
      const channels = input.shape[axis] ?? 1;
      const range = along(input, axis);
      for (let channel = 0; channel < channels; channel++)
        sum.multiply(range(channel), one, terms / channels);
    }
    return typeOf(shape, null, context.certify([sum.finish()]));
  }
  const range = along(input, axis);
  const ranges = Array.from({ length: shape[axis] ?? 1 }, (_, channel) => {
    const sum = new Accumulator();
    sum.multiply(range(channel), one, terms);
    return sum.finish();
  });
  return typeOf(shape, axis, context.certify(ranges));
}
