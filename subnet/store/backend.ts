import type { Kysely, Transaction } from 'kysely';
import type { Schema } from './schema.ts';

export type Tx = Transaction<Schema>;

/** What the database says it does to keep a committed transaction through a power cut; for the log. */
export type Durability =
  | { database: 'sqlite'; journalMode: string; synchronous: number }
  | {
      database: 'postgres';
      version: string;
      fsync: string;
      synchronousCommit: string;
      fullPageWrites: string;
    };

/** One kind of database behind a `Store`. */
export type Backend = {
  db: Kysely<Schema>;
  /** Names the database in messages; holds no password. */
  name: string;
  durability: Durability;
  /**
   * Runs `work` in a serialisable transaction, again from its start where it met another one's. Where it is `alone` no store writes
   * beside it, whatever process it is in. Resolves once it is on disk; rejects with Unavailable where the database cannot be
   * reached: whether it was committed is not known then.
   */
  transact<T>(work: (tx: Tx) => Promise<T>, alone: boolean): Promise<T>;
  /** Runs reads on one state of the database. */
  snapshot<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

/** The database cannot be reached, or went away. */
export class Unavailable extends Error {}
