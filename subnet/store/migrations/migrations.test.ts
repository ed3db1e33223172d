import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kysely, Migrator, sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSqlite, sqliteDialect } from '../sqlite.ts';
import { Store } from '../store.ts';
import { migration001 } from './001-first.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gridtab-migrations-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A ledger as the first layout made it, with one epoch, closed or open. */
async function firstLayout(payload: Uint8Array | null): Promise<string> {
  const path = join(folder, 'ledger.sqlite');
  const db = new Kysely<unknown>({ dialect: sqliteDialect(openSqlite(path)) });
  const provider = { getMigrations: async () => ({ '001-first': migration001 }) };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error !== undefined) throw error;
  await sql`insert into epochs (epoch, beacon, audit_commitment, slots, opened_at_ms, payload)
    values (0, ${new Uint8Array(32)}, ${new Uint8Array(32)}, 1, 0, ${payload})`.execute(db);
  await db.destroy();
  return path;
}

it('takes a ledger of the first layout that has paid nothing yet', async () => {
  const store = await Store.open(await firstLayout(null));
  expect(await store.db.selectFrom('lots').selectAll().execute()).toEqual([]);
  await store.close();
});

it('refuses one that paid without escrow, and says what to do', async () => {
  const path = await firstLayout(new Uint8Array(1));
  const refused = await Store.open(path).catch((error: unknown) => error);
  expect(String(refused instanceof Error ? refused.cause : refused)).toMatch(
    /start with a new --data folder/,
  );
});
