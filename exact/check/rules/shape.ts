import type { Context } from '../context.ts';
import { checkChannels, count } from '../tensor.ts';
import {
  gridOf,
  plain,
  type Range,
  rangeAt,
  rangesOf,
  type TensorType,
  typeOf,
  union,
  whole,
} from '../type.ts';
import { windows } from './linear.ts';

/** Operators that move values or choose among them. */

/** The same ranges under a new shape whose axis `axis` has the channels; null where they are spread over several. */
const moved = (input: TensorType, shape: readonly number[], axis: number | null): TensorType =>
  axis === null || input.axis === null
    ? typeOf(shape, null, [whole(input)])
    : typeOf(shape, axis, rangesOf(input));

/** Pads with minus infinity: windows never lack a pixel, so what comes out is one of the inputs. */
export function maxPool(context: Context): TensorType {
  context.arity(1);
  const input = context.activation(0);
  const [, channels, height, width, ...more] = input.shape;
  if (channels === undefined || height === undefined || width === undefined || more.length > 0)
    throw context.refuse('an image is expected');
  const [kh = 1, kw = 1] = context.ints('kernel_shape', 2, 1);
  const pads = context.ints('pads', 4, 0, [0, 0, 0, 0]);
  if (pads.some((pad, index) => pad >= (index % 2 === 0 ? kh : kw)))
    throw context.refuse('pads as large as the kernel');
  const strides = context.ints('strides', 2, 1, [1, 1]);
  if (context.ints('dilations', 2, 1, [1, 1]).some((dilation) => dilation !== 1))
    throw context.refuse('dilations');
  context.must('ceil_mode', 0, 0);
  context.must('storage_order', 0, 0);
  context.must('auto_pad', 'NOTSET', 'NOTSET');
  const size = windows(context, [height, width], [kh, kw], pads, strides, [1, 1]);
  // Along height or width, windows reach over ranges.
  return moved(input, [1, channels, ...size], input.axis === 1 ? 1 : null);
}

/** Nearest neighbour by whole factors, powers of two: position / factor is then exact in f32, whatever the division. */
export function resize(context: Context): TensorType {
  context.arity(3);
  const input = context.activation(0);
  if (!context.absent(1)) throw context.refuse('a region of interest');
  const { shape, data } = context.constant(2);
  if (input.shape.length !== 4 || shape.length !== 1 || data.length !== 4)
    throw context.refuse('four scales of an image are expected');
  context.must('mode', 'nearest', 'nearest');
  context.must('coordinate_transformation_mode', 'asymmetric', 'half_pixel');
  context.must('nearest_mode', 'floor', 'round_prefer_floor');
  const [batch, channels, ...factors] = data;
  if (batch !== 1 || channels !== 1 || !factors.every((factor) => [1, 2, 4, 8, 16].includes(factor)))
    throw context.refuse(`scales [${data.join(', ')}]: [1, 1, powers of two] are known`);
  const grown = input.axis !== null && data[input.axis] !== 1;
  return moved(
    input,
    input.shape.map((size, axis) => size * (data[axis] ?? 1)),
    grown ? null : input.axis,
  );
}

const axisOf = (context: Context, axis: number, rank: number): number => {
  const positive = axis < 0 ? axis + rank : axis;
  if (positive < 1 || positive >= rank) throw context.refuse(`axis ${axis} of ${rank}`);
  return positive;
};

/** By channel where it is the channels that are joined. */
export function concat(context: Context): TensorType {
  context.arity(1, Infinity);
  const inputs = context.node.inputs.map((_, index) => context.activation(index));
  const [first] = inputs;
  if (first === undefined) throw context.refuse('no inputs');
  const rank = first.shape.length;
  const axis = axisOf(context, context.int('axis', 0), rank);
  let size = 0;
  for (const { shape } of inputs) {
    if (shape.length !== rank || shape.some((other, at) => at !== axis && other !== first.shape[at]))
      throw context.refuse(`[${shape.join(', ')}] beside [${first.shape.join(', ')}]`);
    size += shape[axis] ?? 0;
  }
  const shape = first.shape.map((other, at) => (at === axis ? size : other));
  if (inputs.every((input) => input.axis === axis || input.axis === null)) {
    checkChannels(size, context.node.name);
    const ranges = inputs.flatMap((input) =>
      Array.from({ length: input.shape[axis] ?? 0 }, (_, channel) => rangeAt(input, channel)),
    );
    return typeOf(shape, axis, context.certify(ranges));
  }
  const shared = first.axis;
  if (shared !== null && inputs.every((input) => input.axis === shared)) {
    const ranges = rangesOf(first).map((_, channel) =>
      inputs.map((input) => rangeAt(input, channel)).reduce(union),
    );
    return typeOf(shape, shared, context.certify(ranges));
  }
  return typeOf(shape, null, context.certify([inputs.map(whole).reduce(union)]));
}

/** The batch stays axis 0. Channels are followed where one axis of the result has them, alone and in order. */
export function reshape(context: Context): TensorType {
  context.arity(2);
  const input = context.activation(0);
  context.must('allowzero', 0, 0);
  const target = context.integers(1);
  const known = target.map((size, axis) => (size === 0 ? input.shape[axis] : size));
  const free = known.indexOf(-1);
  const rest = known.reduce<number>((all, size) => all * (size === -1 ? 1 : (size ?? NaN)), 1);
  const shape = known.map((size) => (size === -1 ? count(input.shape) / rest : (size ?? NaN)));
  // 0 copies the symbolic batch; −1 finds it when the other sizes are one image's.
  if (target[0] !== 0 && target[0] !== -1) throw context.refuse('the batch must stay axis 0');
  if (
    shape[0] !== 1 ||
    known.lastIndexOf(-1) !== free ||
    !shape.every((size) => Number.isInteger(size) && size >= 1) ||
    count(shape) !== count(input.shape)
  )
    throw context.refuse(`[${input.shape.join(', ')}] into [${target.join(', ')}]`);
  const { axis } = input;
  if (axis === null) return moved(input, shape, null);
  const before = count(input.shape.slice(0, axis));
  // Never the batch, which has size 1 here as a single channel has.
  const at = shape.findIndex(
    (size, other) => other > 0 && size === input.shape[axis] && count(shape.slice(0, other)) === before,
  );
  return moved(input, shape, at === -1 ? null : at);
}

export function transpose(context: Context): TensorType {
  context.arity(1);
  const input = context.activation(0);
  const rank = input.shape.length;
  const order = context.ints('perm', rank, 0);
  if (order[0] !== 0 || new Set(order).size !== rank || order.some((axis) => axis >= rank))
    throw context.refuse(`permutation [${order.join(', ')}]`);
  const shape = order.map((axis) => input.shape[axis] ?? 0);
  return moved(input, shape, input.axis === null ? null : order.indexOf(input.axis));
}

/** Steps of one, axes named. */
export function slice(context: Context): TensorType {
  context.arity(4, 5);
  const input = context.activation(0);
  const rank = input.shape.length;
  const [starts, ends] = [context.integers(1), context.integers(2)];
  const axes = context.integers(3).map((axis) => axisOf(context, axis, rank));
  const steps = context.absent(4) ? axes.map(() => 1) : context.integers(4);
  if (
    [starts, ends, steps].some((list) => list.length !== axes.length) ||
    steps.some((step) => step !== 1) ||
    new Set(axes).size !== axes.length
  )
    throw context.refuse('starts, ends and axes of one length, and steps of 1, are expected');
  const shape = [...input.shape];
  let ranges: readonly Range[] = rangesOf(input);
  for (const [index, axis] of axes.entries()) {
    const size = input.shape[axis] ?? 0;
    const bound = (value: number): number => Math.min(size, Math.max(0, value < 0 ? value + size : value));
    const [start, end] = [bound(starts[index] ?? 0), bound(ends[index] ?? 0)];
    if (start >= end) throw context.refuse(`nothing is left of axis ${axis}`);
    shape[axis] = end - start;
    if (axis === input.axis) ranges = ranges.slice(start, end);
  }
  return typeOf(shape, input.axis, ranges);
}

/** The largest along axes other than the batch; they stay, with size 1. */
export function reduceMax(context: Context): TensorType {
  context.arity(1);
  const input = context.activation(0);
  const rank = input.shape.length;
  const axes = context.ints('axes', null, -rank).map((axis) => axisOf(context, axis, rank));
  context.must('keepdims', 1, 1);
  if (axes.length === 0 || new Set(axes).size !== axes.length) throw context.refuse('axes');
  const shape = input.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const plainRanges = (ranges: readonly Range[]): Range[] =>
    ranges.map(({ low, high, fraction }) => plain(low, high, fraction));
  if (input.axis === null || axes.includes(input.axis))
    return typeOf(shape, null, plainRanges([whole(input)]));
  return typeOf(shape, input.axis, plainRanges(rangesOf(input)));
}

/** f32 → int32, of whole numbers. */
export function cast(context: Context): TensorType {
  context.arity(1);
  const input = context.activation(0);
  // TensorProto.DataType.INT32
  context.must('to', 6);
  if (input.fraction.some((fraction) => fraction > 0)) throw context.refuse('not whole numbers');
  return typeOf(input.shape, input.axis, context.certify(rangesOf(input)), 'i32');
}

/** A table [entries] of f32, indexed by whole numbers that lie within it. */
export function gather(context: Context): TensorType {
  context.arity(2);
  const { shape, data } = context.constant(0);
  const indices = context.indices(1);
  context.must('axis', 0, 0);
  if (shape.length !== 1) throw context.refuse('a table of one axis is expected');
  const ranges = rangesOf(indices).map(({ low, high }, channel) => {
    if (low < 0 || high >= data.length)
      throw context.refuse(`channel ${channel}: index ${low} to ${high} of ${data.length}`);
    let range: Range = plain(data[low] ?? NaN, data[low] ?? NaN, gridOf(data[low] ?? NaN));
    for (let at = low + 1; at <= high; at++) {
      const value = data[at] ?? NaN;
      range = union(range, plain(value, value, gridOf(value)));
    }
    return range;
  });
  return typeOf(indices.shape, indices.axis, context.certify(ranges));
}
