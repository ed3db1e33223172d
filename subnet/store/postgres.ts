import { setTimeout } from 'node:timers/promises';
import { DEFAULT_MIGRATION_LOCK_TABLE, Kysely, PostgresDialect, sql } from 'kysely';
import { errorText } from '../../protocol/outcome.ts';
import { Unavailable, type Backend, type Durability, type Tx } from './backend.ts';
import { migrate } from './migrate.ts';
import { POSTGRES_TYPES } from './migrations/columns.ts';
import { kindOfError } from './postgres-errors.ts';
import { PostgresClaim } from './postgres-claim.ts';
import { connectionOf, openPool } from './postgres-pool.ts';
import type { Schema } from './schema.ts';

/** Conflicts of one transaction in a row until it waits for the others to end and keeps them out. */
const MAX_CONFLICTS = 5;
/** Attempts until its caller is told: what conflicts with a transaction that is alone is no store's. */
const MAX_ATTEMPTS = 10;
/** The first wait is at most so long, each further one twice as long, up to MAX_WAIT_MS. */
const FIRST_WAIT_MS = 4;
const MAX_WAIT_MS = 500;

/** Opens a PostgreSQL database. Throws where it would lose what it has committed. */
export async function postgresBackend(url: string, claimed?: string): Promise<Backend> {
  const name = nameOf(url);
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: openPool(url) }) });
  let claim: PostgresClaim | undefined;
  const close = async (): Promise<void> => {
    await claim?.close();
    await db.destroy();
  };
  try {
    const durability = await requireDurable(db, name);
    await migrate(db, POSTGRES_TYPES, name);
    if (claimed !== undefined) claim = await PostgresClaim.take(connectionOf(url), claimed);
    return {
      db,
      name,
      durability,
      transact: (work, alone) =>
        untilDone(name, (conflicts) => {
          claim?.require();
          return once(db, work, alone || conflicts >= MAX_CONFLICTS);
        }),
      snapshot: (work) =>
        untilDone(name, () =>
          db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work),
        ),
      close,
    };
  } catch (error) {
    await close();
    throw kindOfError(error) === 'lost' ? unavailable(name, error) : error;
  }
}

/**
 * The lock by which writers let one of them be alone: of a table that every database has and nobody uses. It is taken before the
 * first query, which decides what state of the database a transaction sees: whoever has waited sees what was written meanwhile.
 */
const gate = sql.table(DEFAULT_MIGRATION_LOCK_TABLE);
const amongOthers = sql`lock table ${gate} in row share mode`;
const aloneHere = sql`lock table ${gate} in exclusive mode`;

/** One attempt at a transaction. */
async function once<T>(db: Kysely<Schema>, work: (tx: Tx) => Promise<T>, alone: boolean): Promise<T> {
  return await db
    .transaction()
    .setIsolationLevel('serializable')
    .execute(async (tx) => {
      await (alone ? aloneHere : amongOthers).execute(tx);
      return await work(tx);
    });
}

async function untilDone<T>(name: string, attempt: (conflicts: number) => Promise<T>): Promise<T> {
  for (let conflicts = 0; ;) {
    try {
      return await attempt(conflicts);
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      const kind = kindOfError(error);
      if (kind === 'lost') throw unavailable(name, error);
      if (kind === 'other') throw error;
      conflicts += 1;
      if (conflicts === MAX_ATTEMPTS)
        throw new Error(`${name}: a transaction met another one ${conflicts} times in a row`, {
          cause: error,
        });
      await setTimeout(Math.random() * Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** conflicts));
    }
  }
}

const unavailable = (name: string, error: unknown): Unavailable =>
  new Unavailable(`${name} cannot be reached: ${errorText(error)}`, { cause: error });

/** Money is never on a store that may lose what it has committed, nor on one that may not store every text. */
async function requireDurable(db: Kysely<Schema>, name: string): Promise<Durability> {
  const { rows } = await sql<Record<string, string>>`
    select current_setting('server_version') as version, current_setting('fsync') as fsync,
      current_setting('synchronous_commit') as "synchronousCommit",
      current_setting('full_page_writes') as "fullPageWrites", current_setting('server_encoding') as encoding
  `.execute(db);
  const { version = '', fsync = '', synchronousCommit = '', fullPageWrites = '', encoding } = rows[0] ?? {};
  const settings = { fsync, synchronous_commit: synchronousCommit, full_page_writes: fullPageWrites };
  const off = Object.keys(settings).filter((key) => settings[key as keyof typeof settings] === 'off');
  if (off.length > 0)
    throw new Error(
      `${name} may lose what it has committed: ${off.join(' and ')} must be on (SHOW ${off[0]} says off).`,
    );
  if (encoding !== 'UTF8') throw new Error(`${name} has encoding ${encoding}: make a database with UTF8.`);
  return { database: 'postgres', version, fsync, synchronousCommit, fullPageWrites };
}

/** A URL without its password. */
function nameOf(url: string): string {
  return url.replace(/^(\w+:\/\/[^:@/?]*):[^@/]*@/, '$1@').replace(/([?&]password=)[^&]*/, '$1…');
}
