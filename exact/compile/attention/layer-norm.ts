import { EXACT_BOUND } from '../../format.ts';
import { layerNorm } from '../../forms/layer-norm.ts';
import { emitAffine } from '../activation.ts';
import type { Context } from '../context.ts';
import type { Target } from '../plan.ts';
import type { Prepared } from '../prepare.ts';
import { at, channelsOf, filled, type Typed } from '../typed.ts';
import { asWhole, coarser } from './whole.ts';

/** Steps of one deviation. */
const FINE = 128;
/** Deviations beyond which a value is cut off; no value of a row of n is beyond √(n − 1). */
const WIDEST = 8;

/**
 * The sum of squares holds √(2^24 / channels) steps of each deviation, so channels · x loses its last j bits there, and the result
 * has at least 2^j / √channels steps to a deviation. More than FINE would end it at fewer deviations than it shall hold.
 */
const tooFine = (channels: number, furthest: number): boolean =>
  2 ** Math.ceil(Math.log2((channels * furthest) / Math.sqrt(EXACT_BOUND / channels))) >
  FINE * Math.sqrt(channels);

/**
 * Layer norm over the last axis. Scale and shift of the layer are what the result stands for, channel by channel, so they cost
 * nothing where a product with constants comes next. `usual` is what the input holds on calibration images, in real numbers.
 */
export function emitLayerNorm(
  context: Context,
  op: Extract<Prepared, { kind: 'layer-norm' }>,
  given: Typed,
  wanted: Target,
  usual: Target,
): Typed {
  const whole = asWhole(context, given, `${op.output}/in`);
  const channels = channelsOf(given.shape);
  const limit = Math.ceil(FINE * Math.min(WIDEST, Math.sqrt(channels - 1)));
  // Further from the mean than from 0 by as much as means are from 0, which is little.
  const most = Math.max(-usual.low, usual.high, 1) * at(usual.scale, 0);
  let shift = 0;
  while (tooFine(channels, most / (whole.unit * 2 ** shift))) shift++;
  const x = coarser(context, whole, shift, `${op.output}/coarse`);
  const furthest = most / x.unit;
  const options = {
    channels,
    low: x.least,
    high: x.most,
    limit,
    fine: FINE,
    reach: Math.ceil(channels * furthest),
    epsilon: op.epsilon / x.unit ** 2,
  };
  const { output, scale } = layerNorm(context.builder, x.name, options, `${op.output}/normal`);
  const normal: Typed = {
    name: output,
    shape: x.shape,
    scale: filled(channels, scale),
    zero: filled(channels, 0),
    low: filled(channels, -limit),
    high: filled(channels, limit),
    fraction: 0,
  };
  return emitAffine(context, { ...op, kind: 'affine' }, normal, wanted);
}
