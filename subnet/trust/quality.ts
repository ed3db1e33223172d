import table from './quantiles.json' with { type: 'json' };

/** q = 1, in the parts that qualities are counted in. */
export const QUALITY_ONE = 1_000_000;

/** The table covers this many passed and failed audits (`quantiles.json`: a row per failed count). */
export const MAX_PASSED = 255;
export const MAX_FAILED = 7;

/**
 * q: the 5 % lower quantile of Beta(passed + ½, failed + ½), in parts per million, rounded down. From a table that was generated once
 * (`generate-quantiles.ts`), so that nothing that decides money is computed in floating point. Beyond the table both counts are
 * halved, failures rounded up: the same mean with less certainty, hence never more than the exact quantile. Who fails as often as it
 * passes, beyond the table, has none.
 */
export function quality(passed: number, failed: number): number {
  let [p, f] = [passed, failed];
  while (p > MAX_PASSED || f > MAX_FAILED) {
    if (f >= p) return 0;
    [p, f] = [Math.floor(p / 2), Math.ceil(f / 2)];
  }
  const value = table[f]?.[p];
  if (value === undefined) throw new RangeError('quality: counts must be whole and not negative');
  return value;
}
