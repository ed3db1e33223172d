import type { Context } from '../context.ts';
import { gridOf, plain, type Range, rangeAt, rangesOf, type TensorType, typeOf, whole } from '../type.ts';

/** Both operands of an elementwise operator; at least one is an activation. */
function operands(context: Context): readonly [TensorType, TensorType] {
  context.arity(2);
  if (context.isConstant(0)) {
    const b = context.activation(1);
    return [context.operand(0, b), b];
  }
  const a = context.activation(0);
  return [a, context.operand(1, a)];
}

function broadcast(context: Context, a: readonly number[], b: readonly number[]): number[] {
  if (a.length !== b.length) throw context.refuse(`[${a.join(', ')}] meets [${b.join(', ')}]`);
  return a.map((size, axis) => {
    const other = b[axis] ?? 1;
    if (size !== other && size !== 1 && other !== 1)
      throw context.refuse(`[${a.join(', ')}] meets [${b.join(', ')}]`);
    return Math.max(size, other);
  });
}

/** By channel of the result: along the axis of either operand, unless they are along different ones. */
function zip(
  context: Context,
  a: TensorType,
  b: TensorType,
  combine: (a: Range, b: Range) => Range,
): TensorType {
  const shape = broadcast(context, a.shape, b.shape);
  const axis = a.axis === null || a.axis === b.axis ? b.axis : b.axis === null ? a.axis : null;
  const pick = (type: TensorType): ((channel: number) => Range) => {
    if (axis === null || type.axis !== axis || type.shape[axis] === 1) {
      const range = whole(type);
      return () => range;
    }
    return (channel) => rangeAt(type, channel);
  };
  const [pickA, pickB] = [pick(a), pick(b)];
  const channels = axis === null ? 1 : (shape[axis] ?? 1);
  const ranges = Array.from({ length: channels }, (_, channel) => combine(pickA(channel), pickB(channel)));
  return typeOf(shape, axis, context.certify(ranges));
}

/**
 * Sums that meet are one sum: runtimes add a residual, a second bias or the partial sums of another convolution straight into
 * an accumulator, in any order. So the parts add up, not only the results.
 */
const sum = (a: Range, b: Range): Range => ({
  low: a.low + b.low,
  high: a.high + b.high,
  fraction: Math.max(a.fraction, b.fraction),
  positive: a.positive + b.positive,
  negative: a.negative + b.negative,
});

const negated = ({ low, high, fraction, positive, negative }: Range): Range => ({
  low: -high,
  high: -low,
  fraction,
  positive: -negative,
  negative: -positive,
});

export function add(context: Context): TensorType {
  return zip(context, ...operands(context), sum);
}

export function subtract(context: Context): TensorType {
  return zip(context, ...operands(context), (a, b) => sum(a, negated(b)));
}

const corners = (a: readonly [number, number], b: readonly [number, number]): readonly [number, number] => {
  const products = [a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1]];
  return [Math.min(...products), Math.max(...products)];
};

/** The range of products. Grids multiply; what a runtime may scale before it sums (weights, bias, partial sums) is scaled too. */
export function product(a: Range, b: Range): Range {
  const [low, high] = corners([a.low, a.high], [b.low, b.high]);
  const [negative, positive] = corners([a.negative, a.positive], [b.negative, b.positive]);
  return { low, high, fraction: a.fraction + b.fraction, positive, negative };
}

export function multiply(context: Context): TensorType {
  const [a, b] = operands(context);
  // A square is not negative, which the product of two ranges does not know.
  if (context.node.inputs[0] === context.node.inputs[1]) {
    const squares = rangesOf(a).map((range) => {
      const { high, fraction } = product(range, range);
      const away = Math.max(0, range.low, -range.high);
      return plain(away * away, Math.max(high, range.low ** 2, range.high ** 2), fraction);
    });
    return typeOf(a.shape, a.axis, context.certify(squares));
  }
  return zip(context, a, b, product);
}

/** Bounds on the grid, or they make it finer where they are reached. */
function clamp({ low, high, fraction }: Range, least: number, most: number): Range {
  let grid = fraction;
  if (low < least) grid = Math.max(grid, gridOf(least));
  if (high > most) grid = Math.max(grid, gridOf(most));
  return plain(Math.min(Math.max(low, least), most), Math.max(Math.min(high, most), least), grid);
}

export function clip(context: Context): TensorType {
  context.arity(1, 3);
  const input = context.activation(0);
  // A runtime may take out what does nothing, and then it ends no sum.
  if (context.absent(1) && context.absent(2)) throw context.refuse('no bounds');
  const least = context.scalar(1) ?? -Infinity;
  const most = context.scalar(2) ?? Infinity;
  if (least > most) throw context.refuse(`low ${least} is above high ${most}`);
  const ranges = rangesOf(input).map((range) => clamp(range, least, most));
  return typeOf(input.shape, input.axis, context.certify(ranges));
}

export function relu(context: Context): TensorType {
  context.arity(1);
  const input = context.activation(0);
  const ranges = rangesOf(input).map((range) => clamp(range, 0, Infinity));
  return typeOf(input.shape, input.axis, context.certify(ranges));
}

const larger = (a: Range, b: Range): Range =>
  plain(Math.max(a.low, b.low), Math.max(a.high, b.high), Math.max(a.fraction, b.fraction));

const smaller = (a: Range, b: Range): Range =>
  plain(Math.min(a.low, b.low), Math.min(a.high, b.high), Math.max(a.fraction, b.fraction));

export const maximum = (context: Context): TensorType => zip(context, ...operands(context), larger);
export const minimum = (context: Context): TensorType => zip(context, ...operands(context), smaller);

/** Whole numbers; coarser grids stay. */
export function floor(context: Context): TensorType {
  context.arity(1);
  const input = context.activation(0);
  const ranges = rangesOf(input).map(({ low, high, fraction }) =>
    plain(Math.floor(low), Math.floor(high), Math.min(fraction, 0)),
  );
  return typeOf(input.shape, input.axis, context.certify(ranges));
}

/** Clip(alpha · x + beta, 0, 1). Alpha is a power of two, so that the product is exact whatever a runtime does with it. */
export function hardSigmoid(context: Context): TensorType {
  context.arity(1);
  const input = context.activation(0);
  const alpha = context.float('alpha', Math.fround(0.2));
  const beta = context.float('beta', 0.5);
  const bits = -gridOf(alpha);
  if (alpha !== 2 ** bits) throw context.refuse(`alpha ${alpha} is no power of two`);
  const scale = plain(alpha, alpha, -bits);
  const shift = plain(beta, beta, gridOf(beta));
  const inner = rangesOf(input).map((range) => sum(product(range, scale), shift));
  context.certify(inner);
  return typeOf(
    input.shape,
    input.axis,
    inner.map((range) => clamp(range, 0, 1)),
  );
}
