import { layerNorm } from '../../forms/layer-norm.ts';
import { emitAffine } from '../activation.ts';
import type { Context } from '../context.ts';
import type { Target } from '../plan.ts';
import type { Prepared } from '../prepare.ts';
import { at, channelsOf, filled, type Typed } from '../typed.ts';
import { asWhole } from './whole.ts';

/** Steps of one deviation. */
const FINE = 128;
/** Deviations beyond which a value is cut off; no value of a row of n is beyond √(n − 1). */
const WIDEST = 8;

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
  const x = asWhole(context, given, `${op.output}/in`);
  const channels = channelsOf(x.shape);
  const limit = Math.ceil(FINE * Math.min(WIDEST, Math.sqrt(channels - 1)));
  // Further from the mean than from 0 by as much as means are from 0, which is little.
  const furthest = (Math.max(-usual.low, usual.high, 1) * at(usual.scale, 0)) / x.unit;
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
