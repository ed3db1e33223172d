import type { Context } from '../context.ts';
import { demandBound, requantise, withZero } from '../requantise.ts';
import { uniform, type Typed } from '../typed.ts';

const HALF = 0.5;

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

/** x / 2^shift, rounded: Mul, Add, Floor. */
export function coarser(context: Context, x: Whole, shift: number, output: string): Whole {
  if (shift === 0) return x;
  const { builder } = context;
  const step = 2 ** -shift;
  const scaled = builder.node('Mul', [x.name, builder.scalar(step)], `${output}/scaled`);
  const halved = builder.node('Add', [scaled, builder.scalar(HALF)], `${output}/half`);
  const round = (value: number): number => Math.floor(value * step + HALF);
  demandBound(output, 'a sum', { low: x.low.map((v) => v - 1), high: x.high.map((v) => v + 1), fraction: 0 });
  return {
    ...x,
    name: builder.node('Floor', [halved], output),
    scale: x.scale.map((scale) => scale / step),
    unit: x.unit / step,
    low: x.low.map(round),
    high: x.high.map(round),
    least: round(x.least),
    most: round(x.most),
  };
}
