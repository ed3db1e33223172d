import { sql, type CreateTableBuilder, type Kysely, type RawBuilder } from 'kysely';

type DataType = Parameters<CreateTableBuilder<string, string>['addColumn']>[1];

/** What differs between the databases in a table's definition. */
export type ColumnTypes = {
  [type in ColumnType]: DataType;
} & {
  /** A row number that the database gives. */
  id: 'integer' | 'bigserial';
  /** What follows the columns. */
  end: RawBuilder<unknown>;
};

/** A strict table refuses what PostgreSQL would refuse: a fraction among whole numbers, text among bytes. */
export const SQLITE_TYPES: ColumnTypes = {
  text: 'text',
  int: 'integer',
  real: 'real',
  bytes: 'blob',
  id: 'integer',
  end: sql`strict`,
};
/** Text is ordered by its bytes, as SQLite orders it, and not as a language would: hashes are made in that order. */
export const POSTGRES_TYPES: ColumnTypes = {
  text: sql`text collate "C"`,
  int: 'bigint',
  real: 'double precision',
  bytes: 'bytea',
  id: 'bigserial',
  end: sql``,
};

type ColumnType = 'text' | 'int' | 'real' | 'bytes';

/**
 * `text`: any length. `int`: whole numbers to 2^53. `real`: doubles. `bytes`: any length. A `?` at the end: may be null; `=n`:
 * n unless given.
 */
type Column = `${ColumnType}${'' | '?' | `=${number}`}`;

type TableSpec = {
  columns: Record<string, Column>;
  key: readonly string[];
  unique?: readonly (readonly string[])[];
  indexes?: readonly (readonly string[])[];
  /** A column that names a row of another table, and goes with it. */
  parent?: { column: string; of: string };
};

/** Makes a table whose definition is data, so that both databases get the same one. Indexes are `<table>_<columns>`. */
export async function createTable(
  db: Kysely<unknown>,
  types: ColumnTypes,
  name: string,
  spec: TableSpec,
): Promise<void> {
  let table: CreateTableBuilder<string, string> = db.schema.createTable(name);
  const numbered = spec.key.length === 1 && spec.key[0] === 'id';
  if (numbered) {
    table = table.addColumn('id', types.id, (c) =>
      types.id === 'integer' ? c.primaryKey().autoIncrement() : c.primaryKey(),
    );
  }
  for (const [column, text] of Object.entries(spec.columns)) {
    const [type, preset] = text.replace('?', '').split('=');
    table = table.addColumn(column, types[type as ColumnType], (c) => {
      const own = spec.parent?.column === column ? c.references(spec.parent.of).onDelete('cascade') : c;
      if (text.endsWith('?')) return own;
      return preset === undefined ? own.notNull() : own.notNull().defaultTo(Number(preset));
    });
  }
  if (!numbered) table = table.addPrimaryKeyConstraint(`${name}_key`, [...spec.key] as never[]);
  for (const columns of spec.unique ?? [])
    table = table.addUniqueConstraint(`${name}_${columns.join('_')}`, [...columns] as never[]);
  await table.modifyEnd(types.end).execute();
  for (const columns of spec.indexes ?? [])
    await db.schema
      .createIndex(`${name}_${columns.join('_')}_index`)
      .on(name)
      .columns([...columns])
      .execute();
}
