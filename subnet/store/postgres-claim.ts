import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { Unavailable } from './backend.ts';

/** The server may take a moment to notice that a process which was killed is gone. */
const TAKE_FOR_MS = 3_000;
/** Between attempts. */
const RETRY_MS = 500;

/**
 * Holds a name in a database for as long as this process is connected to it, so that no second process runs with the same
 * validator's keys. Where the connection is lost it takes the name again as soon as it can; nothing is written until then.
 */
export class PostgresClaim {
  readonly #config: pg.ClientConfig;
  readonly #what: string;
  #client: pg.Client | null = null;
  #closed = false;

  private constructor(config: pg.ClientConfig, what: string) {
    this.#config = config;
    this.#what = what;
  }

  /** Throws where another process holds it. */
  static async take(config: pg.ClientConfig, what: string): Promise<PostgresClaim> {
    const claim = new PostgresClaim(config, what);
    for (const end = performance.now() + TAKE_FOR_MS; !(await claim.#try()); await setTimeout(RETRY_MS))
      if (performance.now() > end)
        throw new Error(`${what} already runs in another process on this database. Stop that one first.`);
    return claim;
  }

  /** Throws where it is not held now. */
  require(): void {
    if (this.#client === null)
      throw new Unavailable(
        `The database does not know this process as ${this.#what} any more; trying again.`,
      );
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  async #try(): Promise<boolean> {
    const client = new pg.Client(this.#config);
    client.on('error', () => undefined);
    await client.connect();
    const key = lockKey(this.#what);
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [
      key,
    ]);
    if (rows[0]?.taken !== true || this.#closed) {
      await client.end();
      return false;
    }
    this.#client = client;
    client.once('end', () => {
      this.#client = null;
      void this.#again();
    });
    return true;
  }

  async #again(): Promise<void> {
    while (!this.#closed && this.#client === null) {
      await setTimeout(RETRY_MS, undefined, { ref: false });
      // The server may be down.
      await this.#try().catch(() => false);
    }
  }
}

/** Advisory locks have numbers, in one space for all that use the database: 64 bits of a hash, as decimal text. */
const lockKey = (what: string): string =>
  createHash('sha256').update(`gridtab/claim/${what}`).digest().readBigInt64BE().toString();
