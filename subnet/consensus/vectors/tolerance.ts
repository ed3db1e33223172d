import * as v from 'valibot';
import type { Backend } from './backends.ts';
import { finite } from './schema.ts';

const size = v.pipe(finite, v.minValue(0));
const one = v.strictObject({
  u16: v.optional(size),
  rao: v.optional(size),
  frac: v.optional(size),
  trace_abs: v.optional(size),
  note: v.optional(v.string()),
});

/** Tolerances of epoch files, for each backend. */
export const epochTolerance = v.strictObject({
  'fixed_point_q32.32': v.optional(one),
  float64: v.optional(one),
  upstream_abs: v.optional(size),
});

export type Tolerance = { u16: number; rao: number; frac: number; trace: number };

/** Where a file says nothing: the oracle repeats the reference to the bit, doubles differ in the last unit that is kept. */
const DEFAULTS: Record<Backend['name'], Tolerance> = {
  'fixed_point_q32.32': { u16: 0, rao: 0, frac: 1e-3, trace: 2e-9 },
  float64: { u16: 1, rao: 2, frac: 1e-3, trace: 5e-5 },
};

/** What a backend may be off by in a file. */
export function toleranceFor(
  name: Backend['name'],
  given: v.InferOutput<typeof epochTolerance> | undefined,
): Tolerance {
  const { u16, rao, frac, trace_abs } = given?.[name] ?? {};
  const defaults = DEFAULTS[name];
  return {
    u16: u16 ?? defaults.u16,
    rao: rao ?? defaults.rao,
    frac: frac ?? defaults.frac,
    trace: trace_abs ?? defaults.trace,
  };
}
