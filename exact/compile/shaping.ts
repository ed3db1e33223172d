import type { Context } from './context.ts';
import type { Target } from './plan.ts';
import type { Prepared } from './prepare.ts';
import { requantise, withZero } from './requantise.ts';
import { at, channelAxis, channelsOf, type Typed } from './typed.ts';

type Moving = Extract<Prepared, { kind: 'reshape' | 'transpose' | 'slice' | 'upsample' }>;

/** Row-major strides. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

/** The coordinates of an element. */
const coordinates = (index: number, shape: readonly number[], strides: readonly number[]): number[] =>
  shape.map((size, axis) => Math.floor(index / (strides[axis] ?? 1)) % size);

/** Where each element of the result comes from. */
function sourceOf(op: Moving, from: readonly number[], to: readonly number[]): (index: number) => number {
  const [before, after] = [stridesOf(from), stridesOf(to)];
  const gather = (place: (at: readonly number[]) => readonly number[]) => (index: number) =>
    place(coordinates(index, to, after)).reduce((sum, value, axis) => sum + value * (before[axis] ?? 1), 0);
  switch (op.kind) {
    case 'reshape':
      return (index) => index;
    case 'transpose':
      return gather((at) => from.map((_, axis) => at[op.permutation.indexOf(axis)] ?? 0));
    case 'slice':
      return gather((at) => at.map((value, axis) => (axis === op.axis ? value + op.start : value)));
    case 'upsample':
      return gather(([n = 0, c = 0, h = 0, w = 0]) => [
        n,
        c,
        Math.floor(h / op.factors[0]),
        Math.floor(w / op.factors[1]),
      ]);
  }
}

function writeNode({ builder }: Context, op: Moving, input: string, shape: readonly number[]): string {
  switch (op.kind) {
    case 'reshape':
      // 0 copies the batch.
      return builder.node('Reshape', [input, builder.integers([0, ...shape.slice(1)])], op.output);
    case 'transpose':
      return builder.node('Transpose', [input], op.output, { perm: op.permutation });
    case 'slice': {
      const bounds = [[op.start], [op.end], [op.axis]].map((list) => builder.integers(list));
      return builder.node('Slice', [input, ...bounds], op.output);
    }
    case 'upsample': {
      const factors = builder.floats(`${op.output}/factors`, [4], [1, 1, ...op.factors]);
      return builder.node('Resize', [input, '', factors], op.output, {
        mode: 'nearest',
        coordinate_transformation_mode: 'asymmetric',
        nearest_mode: 'floor',
      });
    }
  }
}

/** Reshape, Transpose, Slice and Resize: the same numbers elsewhere. Channels that come together need the same scale. */
export function emitMoving(
  context: Context,
  op: Moving,
  given: Typed,
  shape: readonly number[],
  wanted: Target,
): Typed {
  const source = sourceOf(op, given.shape, shape);
  const [fromAxis, toAxis] = [channelAxis(given.shape), channelAxis(shape)];
  const [before, after] = [stridesOf(given.shape), stridesOf(shape)];
  const size = shape.reduce((all, length) => all * length, 1);
  const channels = channelsOf(shape);
  const place = (index: number, sizes: readonly number[], strides: readonly number[], axis: number): number =>
    Math.floor(index / (strides[axis] ?? 1)) % (sizes[axis] ?? 1);
  const pairs = new Set<number>();
  const many = channelsOf(given.shape);
  for (let index = 0; index < size; index++)
    pairs.add(
      place(index, shape, after, toAxis) * many + place(source(index), given.shape, before, fromAxis),
    );

  const first = new Map<number, number>();
  for (const pair of pairs)
    if (!first.has(Math.floor(pair / many))) first.set(Math.floor(pair / many), pair % many);
  const same = (data: Float64Array): boolean =>
    [...pairs].every((pair) => data[pair % many] === data[first.get(Math.floor(pair / many)) ?? 0]);
  let x = given;
  if (!same(x.zero)) x = withZero(context, x);
  // What is left after that is less than a rounding.
  if (!same(x.scale)) x = requantise(context, x, wanted, `${op.output}/in`);

  const moved = { scale: x.scale, zero: x.zero, low: x.low, high: x.high };
  const scale = new Float64Array(channels);
  const zero = new Float64Array(channels);
  const low = new Float64Array(channels).fill(Infinity);
  const high = new Float64Array(channels).fill(-Infinity);
  for (const pair of pairs) {
    const [to, from] = [Math.floor(pair / many), pair % many];
    scale[to] = moved.scale[from] ?? 1;
    zero[to] = moved.zero[from] ?? 0;
    low[to] = Math.min(low[to] ?? 0, moved.low[from] ?? 0);
    high[to] = Math.max(high[to] ?? 0, moved.high[from] ?? 0);
  }
  return { ...x, name: writeNode(context, op, x.name, shape), shape, scale, zero, low, high };
}

/** Values one after the other. Along channels each keeps its own scale; along anything else all need the same. */
export function emitConcat(
  context: Context,
  op: Extract<Prepared, { kind: 'concat' }>,
  given: readonly Typed[],
  shape: readonly number[],
  wanted: Target,
): Typed {
  const { builder } = context;
  const fraction = Math.max(...given.map((x) => x.fraction));
  const write = (parts: readonly Typed[]): string =>
    builder.node(
      'Concat',
      parts.map(({ name }) => name),
      op.output,
      { axis: op.axis },
    );
  if (op.axis === channelAxis(shape)) {
    const joined = (key: 'scale' | 'zero' | 'low' | 'high'): Float64Array =>
      Float64Array.from(given.flatMap((x) => [...x[key]]));
    const parts = { scale: joined('scale'), zero: joined('zero'), low: joined('low'), high: joined('high') };
    return { ...parts, name: write(given), shape, fraction };
  }
  const aligned = given.map((part, i) => {
    const x = withZero(context, part);
    return x.scale.every((scale, c) => scale === at(wanted.scale, c))
      ? x
      : requantise(context, x, wanted, `${op.output}/in${i}`);
  });
  const merged = (key: 'low' | 'high', pick: (...all: number[]) => number): Float64Array =>
    Float64Array.from({ length: channelsOf(shape) }, (_, c) => pick(...aligned.map((x) => x[key][c] ?? 0)));
  return {
    name: write(aligned),
    shape,
    scale: Float64Array.from({ length: channelsOf(shape) }, (_, c) => at(wanted.scale, c)),
    zero: new Float64Array(channelsOf(shape)),
    low: merged('low', Math.min),
    high: merged('high', Math.max),
    fraction,
  };
}
