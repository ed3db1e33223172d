import * as v from 'valibot';

/**
 * All that compilation needs beside the trained model, found once by calibration and small enough to read: the same model and
 * recipe give the same bytes everywhere, since compilation itself is IEEE float64 in a fixed order and runs no model.
 */

const finite = v.pipe(v.number(), v.finite());

export const recipeSchema = v.strictObject({
  format: v.literal(1),
  /** Of the trained model's file. */
  source: v.strictObject({ sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) }),
  /** The input as the compiled model takes it: pixels 0 to 255 as floats; real value = (pixel − offset) · scale, by channel. */
  input: v.strictObject({
    low: v.pipe(v.number(), v.integer()),
    high: v.pipe(v.number(), v.integer()),
    /** One a channel, or one for all. */
    offset: v.pipe(v.array(finite), v.minLength(1)),
    scale: v.pipe(v.array(v.pipe(finite, v.gtValue(0))), v.minLength(1)),
  }),
  /** Shape of the input, with a batch of 1: one compiled file for each bucket. */
  buckets: v.pipe(v.array(v.array(v.pipe(v.number(), v.integer(), v.minValue(1)))), v.minLength(1)),
  /** Bits of an activation where `ranges` says nothing else. */
  activationBits: v.pipe(v.number(), v.integer(), v.minValue(4), v.maxValue(16)),
  /** Sums are split where most channels' weights would have fewer bits; 7 where it is left out. More of them cost time. */
  weightBits: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16))),
  /** Hard-swish uses all of 2^24; where it is left out, half of it, as in recipes that were made before. */
  fullSwish: v.optional(v.boolean()),
  /** By value of the graph: where it is clipped (real numbers), found on the calibration set; and its own bits. */
  ranges: v.record(
    v.string(),
    v.strictObject({
      low: finite,
      high: finite,
      bits: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(20))),
      /** A digit e for each channel: there the range is [low, high] · 2^-e. */
      channels: v.optional(v.pipe(v.string(), v.regex(/^[0-9]+$/))),
      /** Mean of each channel, of what sums read: what rounding a weight costs on average goes into the bias. */
      means: v.optional(v.pipe(v.string(), v.regex(/^-?[\d.e-]+( -?[\d.e-]+)*$/))),
      /** A digit e for each channel: what of it lies above high · 2^(-e/2) is clipped. */
      caps: v.optional(v.pipe(v.string(), v.regex(/^[0-9]+$/))),
    }),
  ),
  /** How the ranges were found, for people: images, their seed, the runtime. */
  calibration: v.strictObject({ images: v.number(), seed: v.string(), runtime: v.string() }),
});

export type Recipe = v.InferOutput<typeof recipeSchema>;

/** What is known of a value's means. */
export const meansOf = ({ ranges }: Recipe, value: string): Float64Array | null => {
  const means = ranges[value]?.means;
  return means === undefined ? null : Float64Array.from(means.split(' '), Number);
};
