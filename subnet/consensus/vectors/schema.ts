import * as v from 'valibot';
import type { Tally } from './tally.ts';

/** A schema of vector files: its name, what a file of it looks like, and what to compare. */
export type VectorSchema = {
  name: string;
  /** Throws ValiError for a file that is not of the schema. */
  run: (file: unknown, tally: Tally) => void;
};

/** Ties a check to the shape of its files. Nothing beyond the shape is let in, so that nothing is overlooked. */
export function vectorSchema<const E extends v.ObjectEntries>(
  name: string,
  entries: E,
  check: (file: v.InferOutput<v.StrictObjectSchema<E, undefined>>, tally: Tally) => void,
): VectorSchema {
  const shape = v.strictObject({ ...META, ...entries });
  return {
    name,
    run: (file, tally) => {
      check(v.parse(shape, file) as v.InferOutput<v.StrictObjectSchema<E, undefined>>, tally);
    },
  };
}

/** Where a file comes from and what it is about: in every file, decides nothing. */
const META = {
  schema: v.string(),
  id: v.string(),
  source: v.record(v.string(), v.union([v.string(), v.number()])),
  summary: v.string(),
  notes: v.optional(v.string()),
};

/** A label inside a file, which decides nothing. */
export const NOTE = {
  name: v.optional(v.string()),
  note: v.optional(v.string()),
  source_test: v.optional(v.string()),
};

export const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const finite = v.pipe(v.number(), v.finite());
export const u16 = v.pipe(whole, v.maxValue(65_535));
export const fraction = v.pipe(finite, v.minValue(0), v.maxValue(1));

/** A whole number as BigInt: a JSON number, of which `parseVectors` makes digits where it is too large for a double. */
export const wholeBig = v.pipe(
  v.union([whole, v.pipe(v.string(), v.regex(/^\d{1,40}$/))]),
  v.transform((value) => BigInt(value)),
);

export const EXACT = v.strictObject({ exact: v.literal(true) });
export const ABS = v.strictObject({ abs: v.pipe(finite, v.minValue(0)) });

/** Not one case is no test. */
export const cases = <S extends v.GenericSchema>(
  item: S,
): v.SchemaWithPipe<
  readonly [v.ArraySchema<S, undefined>, v.MinLengthAction<v.InferOutput<S>[], 1, undefined>]
> => v.pipe(v.array(item), v.minLength(1));

/** JSON.parse that keeps large whole numbers as their digits, since a double would round them. */
export const parseVectors = (text: string): unknown =>
  JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^\d+$/.test(context?.source ?? '')
      ? context?.source
      : value,
  );

/** Decimals as whole numbers of 10^-12, so that sums of decimals are exact. */
const DECIMALS = 1_000_000_000_000;
export const decimal = (x: number): bigint => BigInt(Math.round(x * DECIMALS));
export const DECIMAL_ONE = BigInt(DECIMALS);
