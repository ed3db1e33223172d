import { sql } from 'kysely';
import { migrationsDone } from '../migrate.ts';
import type { Store, Tx } from '../store.ts';
import { checkHash, FORMAT, readFrames, type Value } from './format.ts';
import { setLastNumber, shapesOf } from './shapes.ts';

/** Values in one statement: SQLite takes 32,766, PostgreSQL twice as many. */
const MAX_VALUES = 10_000;
/** Text and bytes in one statement, so that memory is bounded. */
const MAX_LENGTH = 8 * 2 ** 20;

/**
 * Reads a backup of either database into an empty store, in one transaction: all of it or nothing. Throws, with the reason for
 * people, where the file is damaged or of another version, or where the store has rows.
 */
export async function restore(store: Store, path: string): Promise<{ rows: number; sha256: string }> {
  const sha256 = await checkHash(path);
  const rows = await store.write((tx) => readInto(tx, store, path), { alone: true });
  return { rows, sha256 };
}

async function readInto(tx: Tx, store: Store, path: string): Promise<number> {
  const kind = store.durability.database;
  const shapes = await shapesOf(tx, kind);
  for (const { name } of shapes) {
    const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(tx);
    if (rows.length > 0)
      throw new Error(
        `${store.name} has rows already (${name}): a backup is restored into an empty database only.`,
      );
  }
  const otherVersion = (what: string): Error =>
    new Error(`${path} is a backup of another version of Gridtab: ${what}.`);
  let rows = 0;
  let table: Rows | undefined;
  for await (const frame of readFrames(path)) {
    if (Array.isArray(frame)) {
      if (table === undefined) throw new Error(`${path} has rows of no table.`);
      rows += 1;
      await table.add(frame);
    } else if ('format' in frame) {
      const own = await migrationsDone(tx);
      if (String(frame.migrations) !== String(own))
        throw otherVersion(`it has ${frame.migrations.join(', ')}, and the database ${own.join(', ')}`);
    } else if ('table' in frame) {
      await table?.flush();
      const shape = shapes.find(({ name }) => name === frame.table);
      if (shape === undefined || String(shape.columns) !== String(frame.columns))
        throw otherVersion(`its table ${frame.table} is another`);
      table = new Rows(tx, shape.name, shape.columns);
      if (shape.numbered) await setLastNumber(tx, kind, shape.name, frame.last);
    } else {
      await table?.flush();
      if (frame.rows !== rows)
        throw new Error(`${path} has ${rows} rows and says that it has ${frame.rows}.`);
      return rows;
    }
  }
  throw new Error(`${path} is no whole ${FORMAT}: its end is missing.`);
}

/** Rows on their way into a table, many in a statement. */
class Rows {
  readonly #tx: Tx;
  readonly #table: string;
  readonly #columns: readonly string[];
  #rows: Value[][] = [];
  #length = 0;

  constructor(tx: Tx, table: string, columns: readonly string[]) {
    this.#tx = tx;
    this.#table = table;
    this.#columns = columns;
  }

  async add(row: Value[]): Promise<void> {
    if (row.length !== this.#columns.length)
      throw new Error(`a row of ${this.#table} has ${row.length} values`);
    this.#rows.push(row);
    for (const value of row) this.#length += value === null || typeof value === 'number' ? 8 : value.length;
    if ((this.#rows.length + 1) * row.length > MAX_VALUES || this.#length > MAX_LENGTH) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#rows.length === 0) return;
    const columns = sql.join(this.#columns.map((column) => sql.ref(column)));
    const rows = sql.join(this.#rows.map((row) => sql`(${sql.join(row)})`));
    this.#rows = [];
    this.#length = 0;
    await sql`insert into ${sql.table(this.#table)} (${columns}) values ${rows}`.execute(this.#tx);
  }
}
