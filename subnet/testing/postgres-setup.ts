import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { Store } from '../store/store.ts';
import { startPostgres } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A database of the server that the project "postgres" has started, to make others from; undefined in other projects. */
    postgres: string;
  }
}

/** Name of the database that has the tables, and nothing in them. */
export const TEMPLATE = 'gridtab_template';

/** Starts a PostgreSQL for the tests, and ends it after them. Where it does not start they fail. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres();
  const client = new pg.Client({ connectionString: server.urlOf('postgres') });
  await client.connect();
  await client.query(`create database ${TEMPLATE}`);
  await client.end();
  const store = await Store.open(server.urlOf(TEMPLATE));
  await store.close();
  provide('postgres', server.urlOf('postgres'));
  return () => server.stop();
}
