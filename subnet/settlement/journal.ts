import type { DatabaseSync } from 'node:sqlite';
import { openSqlite } from '../store/sqlite.ts';

/** A receipt as this validator signed it. */
export type OwnReceipt = {
  taskId: Uint8Array;
  epoch: number;
  kindIndex: number;
  payload: Uint8Array;
  signature: Uint8Array;
};

/**
 * What a validator has to remember for itself, on its own disk, since others can write to the database that they share: the votes
 * it committed to, the headers it signed (one for each epoch, or it would contradict itself), and the receipts it signed. Durable
 * when a call returns.
 */
export class Journal {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  static open(path: string): Journal {
    const db = openSqlite(path);
    db.exec(`
      create table if not exists votes (epoch integer primary key, payload blob not null) strict;
      create table if not exists signed (epoch integer primary key, hash blob not null) strict;
      create table if not exists receipts (
        task_id blob primary key, epoch integer not null, kind_index integer not null,
        payload blob not null, signature blob not null
      ) strict;
      create index if not exists receipts_epoch on receipts (epoch);
    `);
    return new Journal(db);
  }

  vote(epoch: number): Uint8Array | null {
    const row = this.#db.prepare('select payload from votes where epoch = ?').get(epoch);
    return (row?.['payload'] as Uint8Array | undefined) ?? null;
  }

  /** Keeps a vote before its commitment leaves; the first one of an epoch stays. Gives the one that is kept. */
  keepVote(epoch: number, payload: Uint8Array): Uint8Array {
    this.#db.prepare('insert or ignore into votes (epoch, payload) values (?, ?)').run(epoch, payload);
    return this.vote(epoch) ?? payload;
  }

  /** May this header of the epoch be signed? True where none other was; remembers it before the signature leaves. */
  maySign(epoch: number, hash: Uint8Array): boolean {
    this.#db.prepare('insert or ignore into signed (epoch, hash) values (?, ?)').run(epoch, hash);
    const row = this.#db.prepare('select hash from signed where epoch = ?').get(epoch);
    return Buffer.compare(row?.['hash'] as Uint8Array, hash) === 0;
  }

  keepReceipts(receipts: readonly OwnReceipt[]): void {
    if (receipts.length === 0) return;
    const insert = this.#db.prepare(
      'insert or ignore into receipts (task_id, epoch, kind_index, payload, signature) values (?, ?, ?, ?, ?)',
    );
    this.#db.exec('begin');
    for (const { taskId, epoch, kindIndex, payload, signature } of receipts)
      insert.run(taskId, epoch, kindIndex, payload, signature);
    this.#db.exec('commit');
  }

  receipts(epoch: number): OwnReceipt[] {
    const rows = this.#db.prepare('select * from receipts where epoch = ?').all(epoch);
    return rows.map((row) => ({
      taskId: row['task_id'] as Uint8Array,
      epoch,
      kindIndex: Number(row['kind_index']),
      payload: row['payload'] as Uint8Array,
      signature: row['signature'] as Uint8Array,
    }));
  }

  /** Forgets what no block can need any more. What was signed stays. */
  prune(before: number): void {
    this.#db.prepare('delete from receipts where epoch < ?').run(before);
    this.#db.prepare('delete from votes where epoch < ?').run(before);
  }

  close(): void {
    this.#db.close();
  }
}
