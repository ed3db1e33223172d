import { Migrator, sql, type Kysely } from 'kysely';
import { errorText } from '../../protocol/outcome.ts';
import { migration001 } from './migrations/001-ledger.ts';
import type { ColumnTypes } from './migrations/columns.ts';
import type { Schema } from './schema.ts';

/** Every migration there is, in the order of their names. */
const migrations = (types: ColumnTypes) => ({ '001-ledger': migration001(types) });

/**
 * Makes the tables, or brings them up to date; touches nothing where they are, so that a role without the right to make tables
 * can open a database that another has made. Throws on a database of another layout, and when a migration fails.
 */
export async function migrate(db: Kysely<Schema>, types: ColumnTypes, name: string): Promise<void> {
  const wanted = migrations(types);
  const done = await migrationsDone(db);
  const foreign = done.find((each) => !Object.hasOwn(wanted, each));
  if (foreign !== undefined)
    throw new Error(
      `${name} was made by another version of Gridtab (${foreign}), which this one cannot read: start with a new --data folder or a new database.`,
    );
  if (done.length === Object.keys(wanted).length) return;
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(wanted) } });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined)
    throw new Error(`could not bring ${name} up to date: ${errorText(error)}`, { cause: error });
}

/** Names of the migrations that have been run, as Kysely's migrator keeps them. */
export async function migrationsDone(db: Kysely<Schema>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === 'kysely_migration')) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}
