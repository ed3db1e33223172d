import * as v from 'valibot';
import { MATH_CASES } from './math-cases.ts';
import { cases, finite, vectorSchema } from './schema.ts';

const size = v.pipe(finite, v.minValue(0));

/**
 * Where the inputs are decimals, the oracle holds the nearest number of Q32.32: what comes out is apart from the decimal by
 * about as much, on top of what a file tolerates. Relative, for the large numbers of some cases.
 */
const FIXED_STEP = 2e-9;
/** Bounds of the backends against each other where a file expects nothing. */
const AGREEMENT = { abs: 1e-8, u16: 1 };

/** The functions that an epoch is made of, each with its own kind of case. */
export const math = vectorSchema(
  'yuma-math/1',
  {
    cases: cases(v.record(v.string(), v.unknown())),
    tolerance: v.optional(
      v.strictObject({ abs: v.optional(size), u16: v.optional(size), float64_u16: v.optional(size) }),
    ),
  },
  ({ cases, tolerance }, tally) => {
    for (const [i, given] of cases.entries()) {
      const kind = MATH_CASES.find(({ field }) => field in given && (field !== 'weights' || 'rows' in given));
      if (kind === undefined)
        throw new RangeError(`case ${i}: unknown kind (${Object.keys(given).join(', ')})`);
      const { fast, exact, unit, expected } = kind.run(given);
      if (expected === undefined) {
        tally.nearAll(`case ${i}, float64 against fixed point`, unit, fast, exact, AGREEMENT[unit]);
        tally.holds(`case ${i}`, fast.length > 0, 'expects nothing and has nothing to compare');
        continue;
      }
      if (unit === 'u16') {
        tally.nearAll(`case ${i} float64`, unit, fast, expected, tolerance?.float64_u16 ?? 1);
        tally.nearAll(`case ${i} fixed point`, unit, exact, expected, tolerance?.u16 ?? 0);
        continue;
      }
      const allowed = tolerance?.abs ?? 0;
      tally.nearAll(`case ${i} float64`, unit, fast, expected, allowed);
      const scale = Math.max(1, ...expected.map(Math.abs));
      tally.nearAll(`case ${i} fixed point`, unit, exact, expected, allowed + FIXED_STEP * scale);
    }
  },
);
