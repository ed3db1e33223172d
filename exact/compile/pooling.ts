import { EXACT_BOUND } from '../format.ts';
import type { Context } from './context.ts';
import type { Prepared } from './prepare.ts';
import { demandBound } from './requantise.ts';
import { magnitude, type Typed } from './typed.ts';

/** Of a mean: finer than its pixels as long as they average, and few enough for the sums over many channels that follow. */
const MEAN_BITS = 12;

/**
 * The mean over H and W: ReduceSum, times a power of two, Floor. The half that Floor loses on average is left to `zero`, so the
 * convolution that comes next takes it into its bias for nothing. Where the whole sum would pass the bound, W is summed first.
 */
export function emitGlobalAverage(
  context: Context,
  op: Extract<Prepared, { kind: 'global-average' }>,
  x: Typed,
): Typed {
  const [, , height = 1, width = 1] = x.shape;
  if (magnitude(x) * height * width < EXACT_BOUND)
    return meanOver(context, op, x, [2, 3], height * width, op.output);
  const rows = meanOver(context, op, x, [3], width, `${op.output}/rows`);
  return meanOver(context, op, rows, [2], height, op.output);
}

function meanOver(
  { builder }: Context,
  op: Prepared,
  x: Typed,
  axes: readonly number[],
  count: number,
  output: string,
): Typed {
  const sum = {
    low: x.low.map((low) => low * count),
    high: x.high.map((high) => high * count),
    fraction: x.fraction,
  };
  demandBound(op.name, `a sum over ${count} pixels`, sum);
  const name = builder.node('ReduceSum', [x.name, builder.integers(axes)], `${output}/sum`, { keepdims: 1 });
  let shift = 0;
  while (magnitude(sum) * 2 ** -(shift + x.fraction) >= 2 ** MEAN_BITS) shift++;
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  if (shift === 0)
    return {
      ...x,
      ...sum,
      name,
      shape,
      scale: x.scale.map((scale) => scale / count),
      zero: x.zero.map((zero) => zero * count),
    };
  const step = 2 ** -shift;
  const scaled = builder.node('Mul', [name, builder.scalar(step)], `${output}/scaled`);
  return {
    name: builder.node('Floor', [scaled], output),
    shape,
    scale: x.scale.map((scale) => scale / (count * step)),
    zero: x.zero.map((zero) => zero * count * step + 0.5),
    low: sum.low.map((low) => Math.floor(low * step)),
    high: sum.high.map((high) => Math.floor(high * step)),
    fraction: 0,
  };
}

/** The largest of every window; padding is below everything. */
export function emitMaxPool(
  { builder }: Context,
  op: Extract<Prepared, { kind: 'max-pool' }>,
  x: Typed,
  shape: readonly number[],
): Typed {
  const { kernel, strides, pads } = op;
  return {
    ...x,
    name: builder.node('MaxPool', [x.name], op.output, { kernel_shape: kernel, strides, pads }),
    shape,
  };
}
