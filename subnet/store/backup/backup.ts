import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sql, type Kysely } from 'kysely';
import { migrationsDone } from '../migrate.ts';
import type { Schema } from '../schema.ts';
import type { Store } from '../store.ts';
import { backupBytes, FORMAT, type Frame, type Value } from './format.ts';
import { lastNumber, shapesOf, type Kind, type Shape } from './shapes.ts';

/** Rows read at a time; a job's row may have megabytes. */
const PAGE = 100;

/**
 * Writes all rows of a store into a new file, as they are at one moment, while others go on writing. The file is there whole or
 * not at all, and readable by its owner only: jobs' inputs and results are in it. Keys are not: they are not in the store.
 * Gives the sha256 at its end. Throws where there is a file of that name.
 */
export async function backup(
  store: Store,
  path: string,
): Promise<{ rows: number; bytes: number; sha256: string }> {
  // Takes the name, or finds that it is taken; an empty file is no backup.
  await (await open(path, 'wx', 0o600)).close();
  const part = `${path}.part`;
  try {
    const written = await writeAll(store, part);
    await rename(part, path);
    await syncFolder(dirname(path));
    return written;
  } catch (error) {
    await rm(part, { force: true });
    await rm(path, { force: true });
    throw error;
  }
}

async function writeAll(
  store: Store,
  part: string,
): Promise<{ rows: number; bytes: number; sha256: string }> {
  // `flush`: on disk once it is closed.
  const file = createWriteStream(part, { mode: 0o600, flush: true });
  const counted = { rows: 0 };
  let hash: Uint8Array = new Uint8Array();
  await store.snapshot((tx) =>
    pipeline(async function* () {
      for await (const piece of backupBytes(framesOf(tx, store.durability.database, counted))) {
        hash = piece;
        yield piece;
      }
    }, file),
  );
  return { ...counted, bytes: file.bytesWritten, sha256: Buffer.from(hash).toString('hex') };
}

async function* framesOf(db: Kysely<Schema>, kind: Kind, counted: { rows: number }): AsyncGenerator<Frame> {
  yield { format: FORMAT, migrations: await migrationsDone(db) };
  for (const shape of await shapesOf(db, kind)) {
    const last = shape.numbered ? await lastNumber(db, kind, shape.name) : 0;
    yield { table: shape.name, columns: shape.columns, last };
    for await (const row of rowsOf(db, shape)) {
      counted.rows += 1;
      yield row;
    }
  }
  yield { rows: counted.rows };
}

/** All rows of a table in the order of its primary key, page by page. */
async function* rowsOf(db: Kysely<Schema>, { name, columns, key }: Shape): AsyncGenerator<Value[]> {
  const list = (names: readonly string[]) => sql.join(names.map((each) => sql.ref(each)));
  for (let after = sql`true`; ;) {
    const { rows } = await sql<Record<string, Value>>`
      select ${list(columns)} from ${sql.table(name)} where ${after} order by ${list(key)} limit ${sql.lit(PAGE)}
    `.execute(db);
    for (const row of rows) yield columns.map((column) => row[column] ?? null);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = sql`(${list(key)}) > (${sql.join(key.map((column) => last[column]))})`;
  }
}

/** A new name is on disk once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
