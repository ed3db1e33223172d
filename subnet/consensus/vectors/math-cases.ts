import * as v from 'valibot';
import { averaged, drawn } from '../yuma/bonds.ts';
import { exactAveraged, exactDrawn } from '../yuma/exact-bonds.ts';
import { exactMedian } from '../yuma/exact.ts';
import { sigmoid } from '../yuma/exp.ts';
import { fixedSigmoid, fromNumber, toNumber } from '../yuma/fixed.ts';
import { quantile, wholeStakes } from '../yuma/quantile.ts';
import { topK } from '../yuma/standing.ts';
import { maxUpscale, withinWeightLimit } from '../yuma/votes.ts';
import { decimal, DECIMAL_ONE, finite, fraction, NOTE, u16, whole } from './schema.ts';

/** What a case computed by both backends. */
export type Computed = {
  fast: number[];
  exact: number[];
  unit: 'abs' | 'u16';
  expected: number[] | undefined;
};

/** One kind of case: the field that tells it from the others, and what it computes. Throws ValiError when malformed. */
export type MathCase = { field: string; run: (value: unknown) => Computed };

const mathCase = <const E extends v.ObjectEntries>(
  field: string,
  entries: E,
  run: (value: v.InferOutput<v.StrictObjectSchema<E, undefined>>) => Computed,
): MathCase => {
  const shape = v.strictObject({ ...NOTE, ...entries });
  return {
    field,
    run: (value) => run(v.parse(shape, value) as v.InferOutput<v.StrictObjectSchema<E, undefined>>),
  };
};

const list = v.array(finite);
const stake = v.array(v.pipe(finite, v.minValue(0)));
const numbers = (values: readonly boolean[]): number[] => values.map(Number);

/** The quantile of one column of decimals: whole numbers of 10^-12, in which sums are exact. */
function fastMedian(stakes: readonly number[], scores: readonly number[], majority: number): number {
  const heard = stakes.flatMap((s, i) => (s > 0 ? [{ s: decimal(s), v: scores[i] ?? 0 }] : []));
  const { stake: parts, total } = wholeStakes(heard.map(({ s }) => s));
  const needed = Number((BigInt(total) * decimal(majority) + DECIMAL_ONE - 1n) / DECIMAL_ONE);
  return quantile(
    Float64Array.from(heard, (h) => h.v),
    parts,
    heard.length,
    needed,
  );
}

const oracleMedian = (stakes: readonly number[], scores: readonly number[], majority: number): number =>
  toNumber(exactMedian(stakes.map(fromNumber), scores.map(fromNumber), fromNumber(majority)));

const SPARSE = v.optional(v.literal('sparse'));

export const MATH_CASES: readonly MathCase[] = [
  mathCase(
    'score',
    {
      stake,
      score: list,
      majority: fraction,
      normalize_stake: v.optional(v.boolean()),
      expected: v.optional(finite),
    },
    ({ stake, score, majority, expected }) => ({
      fast: [fastMedian(stake, score, majority)],
      exact: [oracleMedian(stake, score, majority)],
      unit: 'abs',
      expected: expected === undefined ? undefined : [expected],
    }),
  ),
  mathCase(
    'weights',
    { stake, rows: whole, weights: list, majority: fraction, expected: v.optional(list) },
    ({ stake, rows, weights, majority, expected }) => {
      const columns = weights.length / rows;
      if (!Number.isInteger(columns) || stake.length !== rows) throw new RangeError('weights: not a matrix');
      const column = (j: number): number[] => stake.map((_, i) => weights[i * columns + j] ?? 0);
      const all = Array.from({ length: columns }, (_, j) => column(j));
      return {
        fast: all.map((scores) => fastMedian(stake, scores, majority)),
        exact: all.map((scores) => oracleMedian(stake, scores, majority)),
        unit: 'abs',
        expected,
      };
    },
  ),
  mathCase(
    'input',
    {
      input: v.array(v.pipe(finite, v.minValue(0))),
      input_is_u16: v.optional(v.boolean()),
      expected: v.optional(v.array(u16)),
    },
    ({ input, expected }) => ({
      fast: maxUpscale(input.map(decimal)),
      exact: maxUpscale(input.map(fromNumber)),
      unit: 'u16',
      expected,
    }),
  ),
  mathCase(
    'limit_u16',
    { weights: v.array(u16), limit_u16: u16, expected: v.boolean() },
    ({ weights, limit_u16, expected }) => {
      const within = [Number(withinWeightLimit(weights, limit_u16))];
      return { fast: within, exact: within, unit: 'abs', expected: [Number(expected)] };
    },
  ),
  mathCase(
    'k',
    { values: list, k: whole, expected: v.optional(v.array(v.boolean())) },
    ({ values, k, expected }) => ({
      fast: numbers(topK(values, k)),
      exact: numbers(topK(values.map(fromNumber), k)),
      unit: 'abs',
      expected: expected === undefined ? undefined : numbers(expected),
    }),
  ),
  mathCase(
    'new',
    {
      new: list,
      old: list,
      alpha: v.union([fraction, v.array(fraction)]),
      variant: SPARSE,
      expected: v.optional(list),
    },
    (given) => {
      const { alpha } = given;
      const shapes = [given.old, ...(typeof alpha === 'number' ? [] : [alpha])];
      if (shapes.some(({ length }) => length !== given.new.length)) {
        throw new RangeError('new, old, alpha: not the same shape');
      }
      // In the sparse form a pair without a new entry has its old bond dropped.
      const pairs = given.new.map((to, i) => ({
        to,
        alpha: typeof alpha === 'number' ? alpha : (alpha[i] ?? 0),
        old: given.variant === 'sparse' && to === 0 ? 0 : (given.old[i] ?? 0),
      }));
      return {
        fast: pairs.map(({ old, to, alpha }) => averaged(old, to, alpha)),
        exact: pairs.map(({ old, to, alpha }) =>
          toNumber(exactAveraged(fromNumber(old), fromNumber(to), fromNumber(alpha))),
        ),
        unit: 'abs',
        expected: given.expected,
      };
    },
  ),
  mathCase(
    'ratio',
    { a: list, b: list, ratio: fraction, expected: v.optional(list) },
    ({ a, b, ratio, expected }) => {
      if (a.length !== b.length) throw new RangeError('a, b: not the same shape');
      return {
        fast: a.map((x, i) => drawn(x, b[i] ?? 0, ratio)),
        exact: a.map((x, i) => toNumber(exactDrawn(fromNumber(x), fromNumber(b[i] ?? 0), fromNumber(ratio)))),
        unit: 'abs',
        expected,
      };
    },
  ),
  mathCase(
    'rho',
    {
      rho: finite,
      kappa: finite,
      x: list,
      x_is_f32: v.optional(v.boolean()),
      expected: v.optional(list),
    },
    ({ rho, kappa, x, x_is_f32, expected }) => {
      const given = x_is_f32 === true ? x.map(Math.fround) : x;
      return {
        fast: given.map((at) => sigmoid(at, rho, kappa)),
        exact: given.map((at) => toNumber(fixedSigmoid(fromNumber(at), fromNumber(rho), fromNumber(kappa)))),
        unit: 'abs',
        expected,
      };
    },
  ),
];
