import { softmax } from '../../forms/softmax.ts';
import type { Context } from '../context.ts';
import type { Target } from '../plan.ts';
import type { Prepared } from '../prepare.ts';
import { Refusal } from '../refusal.ts';
import { requantise } from '../requantise.ts';
import { at, channelsOf, filled, type Typed } from '../typed.ts';
import { asWhole, coarser } from './whole.ts';

/** Of a probability: as many as let a row of 40 of them be multiplied with values of 9 bits. */
const LEAST_BITS = 6;
const MOST_BITS = 10;

/** The table of exponentials has 4,096 entries: with a finer unit it would end before they are next to nothing. */
const FINEST_UNIT = 7 / 4096;

/** Softmax over the last axis, as a quotient of whole numbers. */
export function emitSoftmax(
  context: Context,
  op: Extract<Prepared, { kind: 'softmax' }>,
  given: Typed,
  wanted: Target,
): Typed {
  const { shape } = given;
  if (op.axis !== shape.length - 1)
    throw new Refusal(
      'UNSUPPORTED',
      `${op.name}: softmax over axis ${op.axis} of [${shape.join(', ')}]: only the last one has an exact form`,
    );
  const whole = asWhole(context, given, `${op.output}/in`);
  let shift = 0;
  while (whole.unit * 2 ** shift < FINEST_UNIT) shift++;
  const x = coarser(context, whole, shift, `${op.output}/coarse`);
  const row = shape.at(-1) ?? 1;
  const bits = Math.min(MOST_BITS, Math.max(LEAST_BITS, Math.floor(-Math.log2(at(wanted.scale, 0)))));
  const channels = channelsOf(shape);
  const typed: Typed = {
    name: softmax(context.builder, x.name, { row, scale: x.unit, bits }, op.output),
    shape,
    scale: filled(channels, 2 ** -bits),
    zero: filled(channels, 0),
    low: filled(channels, 0),
    high: filled(channels, 2 ** bits),
    fraction: 0,
  };
  return wanted.free ? typed : requantise(context, typed, wanted, `${op.output}/scaled`);
}
