import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely, Migrator, type Transaction } from 'kysely';
import { migration001 } from './migrations/001-ledger.ts';
import { SQLITE_TYPES } from './migrations/columns.ts';
import { errorText } from '../../protocol/outcome.ts';
import { breather } from './breather.ts';
import type { Schema } from './schema.ts';
import { durability, openSqlite, sqliteDialect } from './sqlite.ts';

export type Tx = Transaction<Schema>;

type Pending = {
  work: (tx: Tx) => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
};

/** Writes that may share one fsync. More would keep readers waiting too long. */
const MAX_BATCH = 64;

/**
 * The database with one writer: writes run one after another and those that wait while one commits share the next
 * transaction, so that durability costs one fsync per batch. `write` resolves after the commit; where one write of a
 * batch fails the batch is rolled back and each is run alone, so that only the culprit is refused.
 */
export class Store {
  readonly db: Kysely<Schema>;
  readonly durability: { journalMode: string; synchronous: number };
  readonly #pending: Pending[] = [];
  #running: Promise<void> | null = null;

  private constructor(db: Kysely<Schema>, settings: { journalMode: string; synchronous: number }) {
    this.db = db;
    this.durability = settings;
  }

  /** Opens or makes the database and brings it up to date. Throws when a migration fails. */
  static async open(path: string): Promise<Store> {
    mkdirSync(dirname(path), { recursive: true });
    const database = openSqlite(path);
    const db = new Kysely<Schema>({ dialect: sqliteDialect(database) });
    const migrator = new Migrator({
      db,
      provider: {
        getMigrations: async () => ({ '001-ledger': migration001(SQLITE_TYPES) }),
      },
    });
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined)
      throw new Error(`could not bring ${path} up to date: ${errorText(error)}`, { cause: error });
    return new Store(db, durability(database));
  }

  /** Runs `work` in a transaction; what it returns is there once it is on disk. */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const done = new Promise<T>((resolve, reject) => {
      this.#pending.push({ work, resolve: resolve as (value: unknown) => void, reject });
    });
    this.#running ??= this.#drain();
    return done;
  }

  async close(): Promise<void> {
    await this.#running;
    await this.db.destroy();
  }

  async #drain(): Promise<void> {
    // Let everything of this turn of the event loop join the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      const batch = this.#pending.splice(0, MAX_BATCH);
      if (!(await this.#commit(batch))) for (const one of batch) await this.#commit([one]);
    }
    this.#running = null;
  }

  async #commit(batch: Pending[]): Promise<boolean> {
    try {
      const values = await this.db.transaction().execute(async (tx) => {
        const results: unknown[] = [];
        const breathe = breather();
        for (const { work } of batch) {
          results.push(await work(tx));
          await breathe();
        }
        return results;
      });
      batch.forEach(({ resolve }, i) => resolve(values[i]));
      return true;
    } catch (error) {
      if (batch.length > 1) return false;
      batch[0]?.reject(error);
      return true;
    }
  }
}
