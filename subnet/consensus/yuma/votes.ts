import { U16_ONE } from './rules.ts';

/** Submitted weights as compressed sparse rows: row i is `start[i]` to `start[i + 1]`, columns ascending. */
export type Votes = {
  rows: number;
  columns: number;
  /** rows + 1 offsets. */
  start: Uint32Array;
  column: Uint32Array;
  /** As submitted, 0 to 65,535; a weight of 0 is a vote too. */
  weight: Uint16Array;
};

/** What one epoch is computed from. Rows are validators, columns accounts; both in ascending order of their key. */
export type YumaInput = {
  /** Now. The unit is the caller's (blocks, slots, epochs), the same for all that follows. */
  block: number;
  /** Base units by row. */
  stake: readonly bigint[];
  /** Who may vote in this epoch: what the epoch before granted. By row. */
  permits: readonly boolean[];
  /** When each row last voted. */
  lastUpdate: readonly number[];
  /** When each row's oldest vote still hidden was committed, Infinity for none; null without commit-reveal. */
  commitBlock: readonly number[] | null;
  votes: Votes;
  /** When each column was taken by its present holder. */
  registered: readonly number[];
  /** Each row's own column, on which it has no vote; −1 for none. */
  self: readonly number[];
  /** The row of the subnet's owner, which always has a permit and may vote for itself; −1 for none. */
  owner: number;
  /** Bonds with columns registered at this block or later are somebody else's. */
  bondsSince: number;
};

/**
 * Votes from `[column, weight]` pairs by row. Throws RangeError for a column out of range or given twice in a row, and for a
 * weight that is not 0 to 65,535.
 */
export function votesOf(columns: number, rows: readonly (readonly (readonly [number, number])[])[]): Votes {
  const start = new Uint32Array(rows.length + 1);
  const column = new Uint32Array(rows.reduce((sum, row) => sum + row.length, 0));
  const weight = new Uint16Array(column.length);
  let k = 0;
  rows.forEach((row, i) => {
    let last = -1;
    for (const [j, w] of row.toSorted((a, b) => a[0] - b[0])) {
      if (!Number.isInteger(j) || j <= last || j >= columns) {
        throw new RangeError(`row ${i}: column ${j} is out of range or given twice`);
      }
      if (!Number.isInteger(w) || w < 0 || w > U16_ONE) {
        throw new RangeError(`row ${i}: weight ${w} is not 0 to ${U16_ONE}`);
      }
      column[k] = j;
      weight[k] = w;
      last = j;
      k += 1;
    }
    start[i + 1] = k;
  });
  return { rows: rows.length, columns, start, column, weight };
}

/**
 * Weights as they are submitted: the largest becomes 65,535, the others in proportion, halves rounded up (yuma.md 1.1). All
 * zero stays zero. Exact, whatever the size of the numbers.
 */
export function maxUpscale(values: readonly bigint[]): number[] {
  const max = values.reduce((a, b) => (a > b ? a : b), 0n);
  if (max === 0n) return values.map(() => 0);
  return values.map((value) => Number((2n * value * BigInt(U16_ONE) + max) / (2n * max)));
}

/** Is no weight more than `limit` / 65,535 of the whole? (yuma.md 1.1, max_weight_limit) */
export function withinWeightLimit(weights: readonly number[], limit: number): boolean {
  const sum = weights.reduce((a, b) => a + b, 0);
  return sum === 0 || weights.every((weight) => weight * U16_ONE <= limit * sum);
}
