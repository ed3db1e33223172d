import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';

/** Connections of one process: one writes, the others read. PostgreSQL admits 100 unless it is told otherwise. */
const MAX_CONNECTIONS = 8;
/** A server that does not answer for so long is not there. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Settings of every session. One whose process hangs inside a transaction, or whose machine has gone, would keep the others from
 * writing: it ends after a minute. Without sequential scans a transaction's reads are known by index entries and not as "the
 * whole table", which nobody else could then write to. Queries are too short to be worth compiling, which PostgreSQL up to 17
 * would do for every one that has nothing but a sequential scan.
 */
const SESSION_OPTIONS = [
  'idle_in_transaction_session_timeout=60000',
  'tcp_keepalives_idle=30',
  'tcp_keepalives_interval=10',
  'tcp_keepalives_count=3',
  'enable_seqscan=off',
  'jit=off',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

/** How to reach a database: the same for every connection of this process. */
export const connectionOf = (url: string): pg.ClientConfig => ({
  connectionString: url,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  keepAlive: true,
  application_name: 'gridtab',
  options: SESSION_OPTIONS,
});

/** A pool whose values come as SQLite's do, and that outlives the loss of its connections. */
export function openPool(url: string): PostgresPool {
  const pool = new pg.Pool({
    ...connectionOf(url),
    max: MAX_CONNECTIONS,
    types: typesAsSqlite(),
  });
  // A connection that breaks says so to whoever waits for its answer; an event that nobody listens to would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    connect: async () => careful(await pool.connect()),
    end: () => pool.end(),
  };
}

/**
 * A transaction in which a query failed is rolled back by `commit`, which says so in its tag and not as an error: work that
 * caught the query's error would pass for written.
 */
function careful(client: pg.PoolClient): PostgresPoolClient {
  const query = async (text: string, values: readonly unknown[]) => {
    const result = await client.query(text, [...values]);
    if (text === 'commit' && result.command !== 'COMMIT')
      throw new Error('store: a query of the transaction failed, so that it was rolled back');
    return result;
  };
  // Kysely's type has a second form, for cursors, which nothing here uses.
  return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release() };
}

/** Bytes as plain Uint8Arrays, whole numbers as numbers; everything else as node-postgres has it. */
function typesAsSqlite(): pg.TypeOverrides {
  const { BYTEA, INT8 } = pg.types.builtins;
  const types = new pg.TypeOverrides();
  types.setTypeParser(BYTEA, (text: string) => new Uint8Array(Buffer.from(text.slice(2), 'hex')));
  types.setTypeParser(INT8, toNumber);
  return types;
}

/** Exact or not at all. */
function toNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`store: ${text} is not a safe integer`);
  return value;
}
