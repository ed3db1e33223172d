import type { Kysely } from 'kysely';
import { Unavailable, type Backend, type Durability, type Tx } from './backend.ts';
import { postgresBackend } from './postgres.ts';
import type { Schema } from './schema.ts';
import { sqliteBackend } from './sqlite.ts';
import { breather } from './breather.ts';

export type { Tx } from './backend.ts';

type Pending = {
  work: (tx: Tx) => Promise<unknown>;
  alone: boolean;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
};

export type WriteOptions = {
  /**
   * No other write runs beside it, in whatever process: for what reads much and must get through, as settlement does. It begins
   * when those that run have ended, and sees what they wrote; those that come wait.
   */
  alone?: boolean;
};

/** Writes that may share one fsync. More would keep readers waiting too long. */
const MAX_BATCH = 64;

/** Is it a URL, and not a file? Throws on one that is not PostgreSQL's. */
export function isDatabaseUrl(target: string): boolean {
  if (/^postgres(ql)?:\/\//.test(target)) return true;
  // Not the target itself: there may be a password in it.
  if (/^\w+:\/\//.test(target)) throw new Error('A database is named by a URL that begins with postgres://.');
  return false;
}

/**
 * The database with one writer in this process: writes run one after another and those that wait while one commits share the
 * next transaction, so that durability costs one fsync per batch. `write` resolves after the commit; where one write of a
 * batch fails the batch is rolled back and each is run alone, so that only the culprit is refused. Work may run more than once
 * before it is committed, so it changes nothing but rows.
 */
export class Store {
  readonly db: Kysely<Schema>;
  /** Names the database in messages; holds no password. */
  readonly name: string;
  readonly durability: Durability;
  readonly #backend: Backend;
  readonly #pending: Pending[] = [];
  #running: Promise<void> | null = null;

  private constructor(backend: Backend) {
    this.#backend = backend;
    this.db = backend.db;
    this.name = backend.name;
    this.durability = backend.durability;
  }

  /**
   * Opens or makes a database and brings it up to date: a file is SQLite's, a `postgres:` URL a PostgreSQL database that is
   * there already. Throws, with the reason for people, where it cannot be reached, is of another version, or would not keep
   * what it has committed. With a `claim`, also where another process has it open with the same one (on SQLite: with any).
   */
  static async open(target: string, { claim }: { claim?: string } = {}): Promise<Store> {
    return new Store(await (isDatabaseUrl(target) ? postgresBackend : sqliteBackend)(target, claim));
  }

  /** Runs `work` in a serialisable transaction; what it returns is there once it is on disk. */
  write<T>(work: (tx: Tx) => Promise<T>, { alone = false }: WriteOptions = {}): Promise<T> {
    const done = new Promise<T>((resolve, reject) => {
      this.#pending.push({ work, alone, resolve: resolve as (value: unknown) => void, reject });
    });
    this.#running ??= this.#drain();
    return done;
  }

  /** Runs reads on one state of the database, whatever is written meanwhile. On SQLite writers of this process wait. */
  snapshot<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#backend.snapshot(work);
  }

  async close(): Promise<void> {
    await this.#running;
    await this.#backend.close();
  }

  async #drain(): Promise<void> {
    // Let everything of this turn of the event loop join the first batch.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#pending.length > 0) {
      const batch = this.#nextBatch();
      if (!(await this.#commit(batch))) for (const one of batch) await this.#commit([one]);
    }
    this.#running = null;
  }

  /** The oldest writes up to one that runs alone, or that one. */
  #nextBatch(): Pending[] {
    const lone = this.#pending.findIndex(({ alone }) => alone);
    const together = lone === -1 ? MAX_BATCH : Math.max(1, Math.min(lone, MAX_BATCH));
    return this.#pending.splice(0, together);
  }

  async #commit(batch: Pending[]): Promise<boolean> {
    try {
      const values = await this.#backend.transact(async (tx) => {
        const results: unknown[] = [];
        const breathe = breather();
        for (const { work } of batch) {
          results.push(await work(tx));
          await breathe();
        }
        return results;
      }, batch[0]?.alone ?? false);
      batch.forEach(({ resolve }, i) => resolve(values[i]));
      return true;
    } catch (error) {
      // Perhaps it was committed: to run it again could do it twice.
      if (batch.length > 1 && !(error instanceof Unavailable)) return false;
      for (const { reject } of batch) reject(error);
      return true;
    }
  }
}
