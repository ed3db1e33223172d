import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmptyStore, openTestDatabase, type DatabaseKind } from '../../testing/databases.ts';
import { accountOf, openTestLedger } from '../../testing/ledger.ts';
import { WorkingLedger } from '../../testing/working-ledger.ts';
import { Store, type Tx } from '../store.ts';
import { backup } from './backup.ts';
import { restore } from './restore.ts';

let undo: (() => Promise<void> | void)[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gridtab-backup-'));
  undo = [() => rmSync(folder, { recursive: true, force: true })];
});
afterEach(async () => {
  for (const step of undo.toReversed()) await step();
});

async function emptyStore(kind: DatabaseKind): Promise<Store> {
  const database = await openTestDatabase(kind);
  const store = await openEmptyStore(database.target);
  undo.push(
    () => database.drop(),
    () => store.close(),
  );
  return store;
}

/** A ledger with two closed epochs, and rows of kinds that it does not make by itself. */
async function usedStore(kind: DatabaseKind): Promise<Store> {
  const base = await openTestLedger(undefined, undefined, kind);
  undo.push(() => base.close());
  const ledger = WorkingLedger.over(base, 0);
  for (const account of [1, 2, 3]) await ledger.accept(account, 100n * BigInt(account));
  await ledger.closeEpoch(2);
  await ledger.accept(1, 7n);
  await base.store.write(async (tx) => {
    // More than a page, in an order that only bytes have.
    for (let i = 0; i < 250; i++) await meta(tx, `${i % 2 === 0 ? 'ä' : 'Z'}${i}`, '😀'.repeat(i));
    const job = { validator: 'v', model: 'm', kind: 'infer', state: 'queued' as const, created_at_ms: 0 };
    for (const name of ['one', 'two', 'three'])
      await tx
        .insertInto('jobs')
        .values({ ...job, name, unit: new Uint8Array(300_000).fill(7) })
        .execute();
    await tx
      .insertInto('job_refusals')
      .values({ job: 2, account: accountOf(1) })
      .execute();
    // Its number must not be given again.
    await tx.deleteFrom('jobs').where('name', '=', 'three').execute();
  });
  return base.store;
}

const meta = (tx: Tx, key: string, value: string): Promise<unknown> =>
  tx.insertInto('meta').values({ key, value }).execute();

const file = (name: string): string => join(folder, name);

describe.each([
  ['sqlite', 'postgres'],
  ['postgres', 'sqlite'],
  ['sqlite', 'sqlite'],
  ['postgres', 'postgres'],
] as const)('a backup of %s restored on %s', (from, to) => {
  it('has the same rows, byte for byte, and goes on where it was', async () => {
    const source = await usedStore(from);
    const made = await backup(source, file('a'));
    const target = await emptyStore(to);
    expect(await restore(target, file('a'))).toEqual({ rows: made.rows, sha256: made.sha256 });

    const again = await backup(target, file('b'));
    expect(again).toEqual(made);
    expect((await readFile(file('b'))).equals(await readFile(file('a')))).toBe(true);
    for (const table of ['receipts', 'lots', 'balances', 'tasks'] as const) {
      const rows = (store: Store) => store.db.selectFrom(table).selectAll().execute();
      expect(new Set(await rows(target))).toEqual(new Set(await rows(source)));
    }
    const job = { name: 'four', validator: 'v', model: 'm', kind: 'infer', unit: new Uint8Array() };
    const { id } = await target.write((tx) =>
      tx
        .insertInto('jobs')
        .values({ ...job, state: 'queued', created_at_ms: 0 })
        .returning('id')
        .executeTakeFirstOrThrow(),
    );
    expect(id).toBe(4);
  });
});

describe('a backup', () => {
  it.each(['sqlite', 'postgres'] as const)(
    'of %s shows one moment, whatever is written meanwhile',
    async (kind) => {
      const database = await openTestDatabase(kind);
      const store = await openEmptyStore(database.target);
      const reader = await Store.open(database.target);
      undo.push(
        () => database.drop(),
        () => store.close(),
        () => reader.close(),
      );
      // Both halves of a transfer, or none.
      let sum = 0;
      const transfer = (): Promise<unknown> =>
        store.write(async (tx) => {
          await meta(tx, `a${++sum}`, '');
          await meta(tx, `b${sum}`, '');
        });
      await Promise.all(Array.from({ length: 200 }, transfer));
      const before = sum;
      const written = { done: false };
      const writer = (async () => {
        for (; !written.done; await setTimeout(2)) await transfer();
      })();
      await backup(reader, file('a'));
      written.done = true;
      await writer;
      expect(sum).toBeGreaterThan(before);
      const target = await emptyStore('sqlite');
      await restore(target, file('a'));
      const keys = (await target.db.selectFrom('meta').select('key').execute()).map(({ key }) => key);
      const half = (letter: string): string[] =>
        keys.filter((key) => key.startsWith(letter)).map((key) => key.slice(1));
      expect(new Set(half('b'))).toEqual(new Set(half('a')));
      expect(keys.length).toBeGreaterThanOrEqual(2 * before);
    },
  );

  it('is its owner’s only, and replaces no file', async () => {
    const store = await emptyStore('sqlite');
    await backup(store, file('a'));
    expect((await stat(file('a'))).mode & 0o777).toBe(0o600);
    await expect(backup(store, file('a'))).rejects.toThrow(/EEXIST/);
    await expect(backup(store, file('no/such/folder'))).rejects.toThrow(/ENOENT/);
    expect(await readdir(folder)).toEqual(['a']);
  });

  it.each(['sqlite', 'postgres'] as const)('is read into an empty %s only', async (kind) => {
    await backup(await usedStore('sqlite'), file('a'));
    const target = await emptyStore(kind);
    await target.write((tx) => meta(tx, 'subnet', 'x'));
    await expect(restore(target, file('a'))).rejects.toThrow(/has rows already \(meta\)/);
    expect(await target.db.selectFrom('receipts').select('id').execute()).toEqual([]);
  });

  it('is refused with any byte flipped, and nothing of it is read', async () => {
    const source = await emptyStore('sqlite');
    await source.write((tx) => meta(tx, 'k', 'v'));
    await backup(source, file('a'));
    const bytes = await readFile(file('a'));
    const target = await emptyStore('sqlite');
    for (let at = 0; at < bytes.length; at += 7) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      await writeFile(file('flipped'), flipped);
      await expect(restore(target, file('flipped'))).rejects.toThrow(/no whole backup/);
    }
    for (const length of [0, 20, bytes.length - 1]) {
      await writeFile(file('short'), bytes.subarray(0, length));
      await expect(restore(target, file('short'))).rejects.toThrow(/no whole backup/);
    }
    expect(await target.db.selectFrom('meta').selectAll().execute()).toEqual([]);
  });
});
