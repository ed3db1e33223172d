import { EXACT_BOUND } from '../format.ts';
import type { Context } from './context.ts';
import { fit, type Fitted } from './fit.ts';
import type { Target } from './plan.ts';
import { Refusal } from './refusal.ts';
import { at, channelsOf, magnitude, mapChannels, uniform, type Typed } from './typed.ts';

const HALF = 0.5;

/** A constant by channel, or a scalar where all are the same. */
export function channelConstant(
  { builder }: Context,
  name: string,
  shape: readonly number[],
  data: Float64Array,
): string {
  const same = uniform(data);
  if (same !== null) return builder.scalar(same);
  return builder.floats(name, shape.length === 4 ? [data.length, 1, 1] : [data.length], data);
}

/** Throws Refusal where a tensor that is computed would pass the bound on its grid. */
export function demandBound(
  node: string,
  what: string,
  values: Pick<Typed, 'low' | 'high' | 'fraction'>,
): void {
  const most = magnitude(values);
  if (!(most < EXACT_BOUND))
    throw new Refusal('UNCERTIFIABLE', `${node}: ${what} may reach ${most} units, at or above 2^24`);
}

/**
 * Clips a sum that has its rounding half in it, and takes the whole part: requantisation. `low` and `high` bound the sum by
 * channel. Without a target only the certificate bounds the result.
 */
export function clipAndFloor(
  { builder }: Context,
  sum: { name: string; shape: readonly number[]; low: Float64Array; high: Float64Array },
  target: Pick<Target, 'low' | 'high'> | null,
  output: string,
): Pick<Typed, 'name' | 'low' | 'high'> {
  const { low, high } = sum;
  let name = sum.name;
  const clips =
    target !== null &&
    (low.some((value) => value < target.low) || high.some((value) => value >= target.high + 1));
  if (clips)
    name = builder.node(
      'Clip',
      [name, builder.scalar(target.low), builder.scalar(target.high)],
      `${output}/clip`,
    );
  name = builder.node('Floor', [name], output);
  const within = (value: number): number =>
    clips ? Math.min(target.high, Math.max(target.low, Math.floor(value))) : Math.floor(value);
  return { name, low: low.map(within), high: high.map(within) };
}

/** Takes off each channel what lies above its own cap. */
export function capped(context: Context, x: Typed, { caps }: Pick<Target, 'caps'>, output: string): Typed {
  if (caps === null || !x.high.some((high, c) => high > at(caps, c))) return x;
  const { builder } = context;
  return {
    ...x,
    name: builder.node('Min', [x.name, channelConstant(context, `${output}/caps`, x.shape, caps)], output),
    low: x.low.map((low, c) => Math.min(low, at(caps, c))),
    high: x.high.map((high, c) => Math.min(high, at(caps, c))),
  };
}

/**
 * Adds whole multiples of 2^-fraction to every channel, so that 0 stands for the real number 0 but for less than half of that:
 * what the rest is stays in `zero`, and whoever sums can still take it into a bias.
 */
export function withZero(context: Context, x: Typed, fraction = 0): Typed {
  const step = 2 ** fraction;
  const shift = x.zero.map((zero) => Math.round(zero * step) / step);
  if (shift.every((value) => value === 0)) return x;
  const moved = {
    low: x.low.map((low, i) => low + (shift[i] ?? 0)),
    high: x.high.map((high, i) => high + (shift[i] ?? 0)),
    fraction: Math.max(x.fraction, fraction),
  };
  const output = `${x.name}/zero`;
  demandBound(output, 'a sum', moved);
  const constant = channelConstant(context, `${output}/shift`, x.shape, shift);
  return {
    ...x,
    ...moved,
    name: context.builder.node('Add', [x.name, constant], output),
    zero: x.zero.map((zero, i) => zero - (shift[i] ?? 0)),
  };
}

/** scale · x + shift by channel, rounded to the grid of `target`: Mul, Add, Clip, Floor. */
export function requantise(
  context: Context,
  x: Typed,
  target: Target,
  output: string,
  map: { scale: (channel: number) => number; shift: (channel: number) => number } = {
    scale: () => 1,
    shift: () => 0,
  },
): Typed {
  const channels = channelsOf(x.shape);
  const fitted: Fitted[] = [];
  for (let c = 0; c < channels; c++) {
    const real = map.scale(c) * (x.scale[c] ?? 1);
    const step = at(target.scale, c);
    const weight = real / step;
    const bias = (real * (x.zero[c] ?? 0) + map.shift(c)) / step + HALF;
    const { low, high, fraction } = x;
    const one = fit({ weights: Float64Array.of(weight), bias, low, high, inputOf: () => c, fraction });
    if (one === null)
      throw new Refusal('UNCERTIFIABLE', `${output}: no factor for channel ${c} fits under the bound`);
    fitted.push(one);
  }
  const of = (value: (one: Fitted) => number): Float64Array =>
    mapChannels(channels, (c) => (fitted[c] === undefined ? 0 : value(fitted[c])));
  const unit = (one: Fitted): number => 2 ** -(one.k + x.fraction);
  const factors = of((one) => (one.weights[0] ?? 0) * 2 ** -one.k);
  const shifts = of((one) => one.bias * unit(one));
  const { builder } = context;
  const product = builder.node(
    'Mul',
    [x.name, channelConstant(context, `${output}/factor`, x.shape, factors)],
    `${output}/product`,
  );
  const name = builder.node(
    'Add',
    [product, channelConstant(context, `${output}/shift`, x.shape, shifts)],
    `${output}/sum`,
  );
  const sum = {
    name,
    shape: x.shape,
    low: of((one) => (one.negative + one.bias) * unit(one)),
    high: of((one) => (one.positive + one.bias) * unit(one)),
  };
  return {
    ...clipAndFloor(context, sum, target.final ? null : target, output),
    shape: x.shape,
    scale: mapChannels(channels, (c) => at(target.scale, c)),
    zero: new Float64Array(channels),
    fraction: 0,
  };
}
