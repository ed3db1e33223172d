import type { Columns } from '../yuma/columns.ts';

/** Where each of `from` stands in `to` (−1: nowhere). Both in ascending order. */
export function places(from: readonly string[], to: readonly string[]): Int32Array {
  const found = new Int32Array(from.length).fill(-1);
  let j = 0;
  for (let i = 0; i < from.length; i++) {
    const name = from[i]!;
    while (j < to.length && to[j] !== name && to[j]! < name) j += 1;
    if (j < to.length && to[j] === name) found[i] = j;
  }
  return found;
}

/**
 * Bonds over other rows and columns: `rowPlaces` and `columnPlaces` say where each old one went, ascending; −1 takes its
 * bonds along.
 */
export function movedBonds(
  bonds: Columns,
  rowPlaces: Int32Array,
  columnPlaces: Int32Array,
  columns: number,
): Columns {
  // In most epochs nobody comes or goes.
  if (columns === bonds.columns && isSame(rowPlaces) && isSame(columnPlaces)) return bonds;
  const start = new Uint32Array(columns + 1);
  const row = new Uint32Array(bonds.row.length);
  const value = new Float64Array(bonds.row.length);
  let size = 0;
  let filled = 0;
  for (let j = 0; j < bonds.columns; j++) {
    const to = columnPlaces[j] ?? -1;
    if (to < 0) continue;
    for (; filled <= to; filled++) start[filled] = size;
    const end = bonds.start[j + 1] ?? 0;
    for (let k = bonds.start[j] ?? 0; k < end; k++) {
      const i = rowPlaces[bonds.row[k]!]!;
      if (i < 0) continue;
      row[size] = i;
      value[size] = bonds.value[k]!;
      size += 1;
    }
  }
  for (; filled <= columns; filled++) start[filled] = size;
  return { columns, start, row: row.subarray(0, size), value: value.subarray(0, size) };
}

const isSame = (places: Int32Array): boolean => places.every((to, from) => to === from);
