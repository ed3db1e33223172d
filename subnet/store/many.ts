import type { Insertable } from 'kysely';
import type { Breather } from './breather.ts';
import type { Schema } from './schema.ts';
import type { Tx } from './store.ts';

/**
 * Rows in one statement: a way to the server and back costs more than the row does. A row has at most 22 columns, and SQLite takes
 * 32,766 values; beyond a few dozen rows there is nothing more to gain.
 */
const MOST = 64;

/** In pieces of 64, and what is left in powers of two: few different statements, which are prepared once. */
export function* inPieces<T>(rows: readonly T[]): Generator<readonly T[]> {
  let size = MOST;
  for (let at = 0; at < rows.length; at += size) {
    while (size > rows.length - at) size /= 2;
    yield rows.slice(at, at + size);
  }
}

/** Inserts rows, many in a statement. */
export async function insertMany<Table extends keyof Schema>(
  tx: Tx,
  table: Table,
  rows: readonly Insertable<Schema[Table]>[],
  breathe: Breather,
): Promise<void> {
  for (const piece of inPieces(rows)) {
    await tx.insertInto(table).values(piece).execute();
    await breathe();
  }
}
