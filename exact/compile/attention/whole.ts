import type { Context } from '../context.ts';
import { requantise, withZero } from '../requantise.ts';
import { uniform, type Typed } from '../typed.ts';

/** A tensor of whole numbers that all count in the same unit, from 0: what products of two activations and tables need. */
export type Whole = Typed & { unit: number; least: number; most: number };

const extreme = (pick: (...all: number[]) => number, data: Float64Array): number =>
  data.reduce((all, value) => pick(all, value));

/** `given` as whole numbers of one unit; unchanged where it is that already. A `zero` that is no whole number is rounded. */
export function asWhole(context: Context, given: Typed, output: string): Whole {
  const ready = given.fraction === 0 && uniform(given.scale) !== null && given.zero.every(Number.isInteger);
  const unit = given.scale.reduce((most, scale) => Math.max(most, Math.abs(scale)), 0);
  const reach = (pick: (...all: number[]) => number, bound: Float64Array): number =>
    extreme(
      pick,
      bound.map((value, c) => ((given.scale[c] ?? 1) * (value + (given.zero[c] ?? 0))) / unit),
    );
  const x = ready
    ? withZero(context, given)
    : requantise(
        context,
        given,
        {
          scale: Float64Array.of(unit),
          low: Math.floor(Math.min(reach(Math.min, given.low), reach(Math.min, given.high))),
          high: Math.ceil(Math.max(reach(Math.max, given.low), reach(Math.max, given.high))),
          caps: null,
          alone: true,
          free: true,
          absorbed: false,
          final: false,
        },
        output,
      );
  return { ...x, unit, least: extreme(Math.min, x.low), most: extreme(Math.max, x.high) };
}
