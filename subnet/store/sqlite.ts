import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Kysely, SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely';
import type { Backend } from './backend.ts';
import { claimFile } from './sqlite-claim.ts';
import { migrate } from './migrate.ts';
import { SQLITE_TYPES } from './migrations/columns.ts';
import type { Schema } from './schema.ts';

/** Opens the file so that a committed transaction survives a power cut: WAL, and fsync at every commit. */
export function openSqlite(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA foreign_keys = ON');
  // Another process reading the ledger (gridtab ledger) may hold a lock for a moment.
  database.exec('PRAGMA busy_timeout = 5000');
  return database;
}

/** Opens or makes a ledger's file and brings it up to date. */
export async function sqliteBackend(path: string, claimed?: string): Promise<Backend> {
  mkdirSync(dirname(path), { recursive: true });
  const unclaim = claimed === undefined ? () => undefined : claimFile(path);
  const database = openSqlite(path);
  const db = new Kysely<Schema>({ dialect: sqliteDialect(database) });
  const close = async (): Promise<void> => {
    await db.destroy();
    unclaim();
  };
  try {
    await migrate(db, SQLITE_TYPES, path);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    db,
    name: path,
    durability: durability(database),
    // One connection: every transaction is alone.
    transact: (work) => db.transaction().execute(work),
    snapshot: (work) => db.transaction().execute(work),
    close,
  };
}

/** What SQLite says it does, for the log and for the test that asserts it: 2 is FULL. */
function durability(database: DatabaseSync): Backend['durability'] {
  const journal = database.prepare('PRAGMA journal_mode').get() as { journal_mode: string };
  const sync = database.prepare('PRAGMA synchronous').get() as { synchronous: number };
  return { database: 'sqlite', journalMode: journal.journal_mode, synchronous: sync.synchronous };
}

/** node:sqlite in the shape that Kysely's SQLite dialect was made for. Statements are prepared once per SQL text. */
function sqliteDialect(database: DatabaseSync): SqliteDialect {
  const statements = new Map<string, SqliteStatement>();
  const adapter: SqliteDatabase = {
    close: () => database.close(),
    prepare: (sql) => {
      const known = statements.get(sql);
      if (known !== undefined) return known;
      const statement = database.prepare(sql);
      const made: SqliteStatement = {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...parameters.map(toSql)),
        run: (parameters) => statement.run(...parameters.map(toSql)),
        iterate: (parameters) => statement.iterate(...parameters.map(toSql)),
      };
      // The queries of this project number a few dozen; the bound is for a query whose text varies by mistake.
      if (statements.size < 500) statements.set(sql, made);
      return made;
    },
  };
  return new SqliteDialect({ database: adapter });
}

function toSql(value: unknown): SQLInputValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`cannot store a ${typeof value}`);
}
