import { countsOn, permitted } from './standing.ts';
import type { YumaInput } from './votes.ts';

/** A sparse matrix by column: column j is `start[j]` to `start[j + 1]`, rows ascending. */
export type Columns = {
  columns: number;
  /** columns + 1 offsets. */
  start: Uint32Array;
  row: Uint32Array;
  value: Float64Array;
};

export const noEntries = (columns: number): Columns => ({
  columns,
  start: new Uint32Array(columns + 1),
  row: new Uint32Array(0),
  value: new Float64Array(0),
});

/** The votes that count, each row divided by its sum, by column (yuma.md 1.2, step 4). A row that sums to 0 keeps its zeros. */
export function weightsByColumn(input: YumaInput): Columns {
  const { votes } = input;
  const start = new Uint32Array(votes.columns + 1);
  const rowSum = new Float64Array(votes.rows);
  const counts = new Uint8Array(votes.column.length);
  const newest = input.registered.reduce((a, b) => Math.max(a, b), 0);
  for (let i = 0; i < votes.rows; i++) {
    if (!permitted(input, i)) continue;
    // Whoever voted after the last registration need not be asked column by column.
    const late = (input.lastUpdate[i] ?? 0) > newest && (input.commitBlock?.[i] ?? Infinity) >= newest;
    const self = i === input.owner ? -1 : (input.self[i] ?? -1);
    let sum = 0;
    const end = votes.start[i + 1]!;
    for (let k = votes.start[i]!; k < end; k++) {
      const j = votes.column[k]!;
      if (late ? j === self : !countsOn(input, i, j)) continue;
      counts[k] = 1;
      sum += votes.weight[k]!;
      start[j + 1] = start[j + 1]! + 1;
    }
    rowSum[i] = sum;
  }
  for (let j = 0; j < votes.columns; j++) start[j + 1] = start[j + 1]! + start[j]!;

  const next = start.slice(0, votes.columns);
  const row = new Uint32Array(start[votes.columns]!);
  const value = new Float64Array(row.length);
  for (let i = 0; i < votes.rows; i++) {
    const sum = rowSum[i]!;
    const end = votes.start[i + 1]!;
    for (let k = votes.start[i]!; k < end; k++) {
      if (counts[k] === 0) continue;
      const j = votes.column[k]!;
      const to = next[j]!;
      next[j] = to + 1;
      row[to] = i;
      value[to] = sum === 0 ? 0 : votes.weight[k]! / sum;
    }
  }
  return { columns: votes.columns, start, row, value };
}
