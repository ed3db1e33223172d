import { DatabaseSync } from 'node:sqlite';

/** SQLITE_BUSY. */
const BUSY = 5;

/**
 * Holds a lock beside a database file for as long as the process lives, however it ends: a second validator on the file would
 * issue the same leases again. Others may read the file meanwhile. Gives what lets it go; throws where it is held.
 */
export function claimFile(path: string): () => void {
  const lock = new DatabaseSync(`${path}.lock`);
  try {
    // Nothing is written into it; the lock is the operating system's.
    lock.exec('PRAGMA journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (error instanceof Error && 'errcode' in error && error.errcode === BUSY)
      throw new Error(
        `${path} is in use by another node: one at a time writes to a ledger on SQLite. Stop it, or give this one another --data folder.`,
        { cause: error },
      );
    throw error;
  }
  return () => lock.close();
}
