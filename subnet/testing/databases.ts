import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import pg from 'pg';
import { inject } from 'vitest';
import { isDatabaseUrl, Store } from '../store/store.ts';
import { TEMPLATE } from './postgres-setup.ts';

export type DatabaseKind = 'sqlite' | 'postgres';

/** An empty database. */
export type TestDatabase = {
  /** For `Store.open`, as often as a test likes. */
  target: string;
  /** When every store on it is closed. */
  drop(): void;
};

/** The kind that the suites of this vitest project run on: "unit" on SQLite, "postgres" the same ones on PostgreSQL. */
export const projectDatabase = (): DatabaseKind => (serverUrl() === undefined ? 'sqlite' : 'postgres');

const serverUrl = (): string | undefined => inject('postgres') as string | undefined;

/** Databases of this test file that no test uses now: to empty one takes milliseconds, to make one a quarter of a second. */
const free: string[] = [];
let made = 0;

/** A database of its own for one test; `postgres` only in the project of that name, which has a server. */
export async function openTestDatabase(kind: DatabaseKind = projectDatabase()): Promise<TestDatabase> {
  if (kind === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'gridtab-ledger-'));
    return {
      target: join(folder, 'ledger.sqlite'),
      drop: () => rmSync(folder, { recursive: true, force: true }),
    };
  }
  const target = free.pop() ?? (await makeDatabase());
  return { target, drop: () => void free.push(target) };
}

/** URL of a database of the project's server, which need not be there. */
export function databaseOfServer(name: string): string {
  const server = serverUrl();
  if (server === undefined) throw new Error('Only the vitest project "postgres" has a PostgreSQL.');
  return server.replace('/postgres?', `/${name}?`);
}

async function makeDatabase(): Promise<string> {
  const name = `test_${process.pid}_${++made}`;
  const client = new pg.Client({ connectionString: databaseOfServer('postgres') });
  await client.connect();
  await client.query(`create database ${name} template ${TEMPLATE}`);
  await client.end();
  return databaseOfServer(name);
}

/** Opens a database that `openTestDatabase` gave, with nothing in it. */
export async function openEmptyStore(target: string): Promise<Store> {
  const store = await Store.open(target);
  if (isDatabaseUrl(target)) await empty(store);
  return store;
}

async function empty({ db }: Store): Promise<void> {
  await sql`do $$
    declare name text;
    begin
      for name in select tablename from pg_tables where schemaname = 'public' and tablename not like 'kysely%' loop
        execute format('delete from %I', name);
      end loop;
      for name in select sequencename from pg_sequences where schemaname = 'public' loop
        execute format('alter sequence %I restart', name);
      end loop;
    end $$`.execute(db);
}
