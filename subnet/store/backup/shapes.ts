import { sql, type Kysely } from 'kysely';
import type { Durability } from '../backend.ts';
import type { Schema } from '../schema.ts';

/** A table as a backup sees it. */
export type Shape = {
  name: string;
  /** In ascending order: the databases have them in that of their migrations. */
  columns: string[];
  /** Primary key, in its order. */
  key: string[];
  /** Its rows are numbered by the database, in a column `id`. */
  numbered: boolean;
};

export type Kind = Durability['database'];

type ColumnRow = { table: string; column: string; key: number | null; child: boolean | number };

/** The ledger's tables: those that point to rows of others last, otherwise in ascending order of name. */
export async function shapesOf(db: Kysely<Schema>, kind: Kind): Promise<Shape[]> {
  const { rows } = await (kind === 'sqlite' ? sqliteColumns : postgresColumns).execute(db);
  const own = rows.filter(({ table }) => !/^(sqlite|kysely)_/.test(table));
  return [...Map.groupBy(own, ({ table }) => table)]
    .toSorted(([a, [one]], [b, [other]]) => Number(one?.child) - Number(other?.child) || (a < b ? -1 : 1))
    .map(([name, columns]) => {
      const key = columns
        .filter((column) => column.key !== null)
        .toSorted((a, b) => (a.key ?? 0) - (b.key ?? 0))
        .map(({ column }) => column);
      const names = columns.map(({ column }) => column).toSorted((a, b) => (a < b ? -1 : 1));
      return { name, columns: names, key, numbered: key.length === 1 && key[0] === 'id' };
    });
}

const sqliteColumns = sql<ColumnRow>`
  select t.name as "table", c.name as "column", nullif(c.pk, 0) as "key",
    exists (select 1 from pragma_foreign_key_list(t.name)) as child
  from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table'`;

const postgresColumns = sql<ColumnRow>`
  select t.relname as "table", c.attname as "column", array_position(i.indkey::int2[], c.attnum) as "key",
    exists (select 1 from pg_constraint f where f.conrelid = t.oid and f.contype = 'f') as child
  from pg_class t
  join pg_attribute c on c.attrelid = t.oid and c.attnum > 0 and not c.attisdropped
  left join pg_index i on i.indrelid = t.oid and i.indisprimary
  where t.relkind = 'r' and t.relnamespace = current_schema()::regnamespace`;

/** The last number that a numbered table gave, also to a row that is gone; 0 for none. */
export async function lastNumber(db: Kysely<Schema>, kind: Kind, table: string): Promise<number> {
  const query =
    kind === 'sqlite'
      ? sql<{ last: number }>`select seq as last from sqlite_sequence where name = ${table}`
      : sql<{ last: number }>`
          select case when is_called then last_value else 0 end as last from ${sql.id(`${table}_id_seq`)}`;
  const { rows } = await query.execute(db);
  return rows[0]?.last ?? 0;
}

/** Has a numbered table go on after `last`, so that no number is given twice. */
export async function setLastNumber(
  db: Kysely<Schema>,
  kind: Kind,
  table: string,
  last: number,
): Promise<void> {
  if (last === 0) return;
  if (kind === 'postgres') {
    await sql`select setval(${`${table}_id_seq`}::regclass, ${last}::bigint)`.execute(db);
    return;
  }
  await sql`delete from sqlite_sequence where name = ${table}`.execute(db);
  await sql`insert into sqlite_sequence (name, seq) values (${table}, ${last})`.execute(db);
}
