import { DatabaseSync } from 'node:sqlite';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  openEmptyStore,
  openTestDatabase,
  projectDatabase,
  type TestDatabase,
} from '../testing/databases.ts';
import { Store, type Tx } from './store.ts';

let database: TestDatabase;
let store: Store;
beforeEach(async () => {
  database = await openTestDatabase();
  store = await openEmptyStore(database.target);
});
afterEach(async () => {
  await store.close();
  database.drop();
});

const put = (key: string) => (tx: Tx) => tx.insertInto('meta').values({ key, value: '' }).execute();
const lease = {
  task_id: new Uint8Array(32).fill(1),
  validator: 'v',
  peer: 'p',
  epoch: 0,
  seq: 0,
  kind: 'hash',
  hash_rate: 1,
  state: 'leased' as const,
  issued_at_ms: 0,
  deadline_at_ms: 0,
};

describe('the same in every database', () => {
  it('says that a commit is on disk', () => {
    expect(store.durability).toMatchObject(
      projectDatabase() === 'sqlite'
        ? { journalMode: 'wal', synchronous: 2 }
        : { fsync: 'on', synchronousCommit: 'on', fullPageWrites: 'on' },
    );
  });

  it('orders text by its bytes, whatever language the server speaks', async () => {
    const keys = [
      'a',
      'B',
      'Z',
      'ä',
      'é',
      'z',
      '_',
      'ab',
      'a b',
      'a-b',
      'A',
      '10',
      '9',
      'ß',
      'ss',
      '￿',
      '😀',
    ];
    for (const key of keys) await store.write(put(key));
    const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const rows = await store.db.selectFrom('meta').select('key').orderBy('key').execute();
    expect(rows.map(({ key }) => key)).toEqual(byBytes);
    const above = await store.db.selectFrom('meta').select('key').where('key', '>', 'Z').execute();
    expect(above.map(({ key }) => key).toSorted()).toEqual(keys.filter((key) => key > 'Z').toSorted());
  });

  it('gives bytes, whole numbers and doubles back as they were', async () => {
    const task_id = Uint8Array.from({ length: 256 }, (_, i) => i);
    const numbers = { issued_at_ms: Number.MAX_SAFE_INTEGER, hash_rate: 0.1 + 0.2, elapsed_ms: 5e-324 };
    await store.write((tx) =>
      tx
        .insertInto('tasks')
        .values({ ...lease, ...numbers, task_id, digest: new Uint8Array() })
        .execute(),
    );
    const row = await store.db.selectFrom('tasks').selectAll().executeTakeFirstOrThrow();
    expect(row).toMatchObject({ ...numbers, job: null, audited: 0 });
    expect([row.task_id, row.digest]).toStrictEqual([task_id, new Uint8Array()]);
    expect(Object.getPrototypeOf(row.task_id)).toBe(Uint8Array.prototype);
    const { count } = await store.db
      .selectFrom('tasks')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    expect(count).toBe(1);
    const above = await store.db
      .selectFrom('tasks')
      .select('seq')
      .where('task_id', '>', new Uint8Array())
      .execute();
    expect(above).toHaveLength(1);
  });

  it('refuses a whole number that a JavaScript number cannot hold', async () => {
    await store.write((tx) => tx.insertInto('tasks').values(lease).execute());
    await sql`update tasks set issued_at_ms = 9007199254740993`.execute(store.db);
    await expect(store.db.selectFrom('tasks').select('issued_at_ms').execute()).rejects.toThrow(RangeError);
  });

  it('refuses a fraction where a whole number belongs', async () => {
    const bad = store.write((tx) =>
      tx
        .insertInto('tasks')
        .values({ ...lease, seq: 0.5 })
        .execute(),
    );
    await expect(bad).rejects.toThrow(/REAL value|invalid input syntax/);
  });

  it('refuses bytes that are there already, and text that is null', async () => {
    const task = { task_id: lease.task_id, epoch: 0, body: new Uint8Array(1) };
    const twice = (): Promise<unknown> =>
      store.write((tx) => tx.insertInto('results').values(task).execute());
    await twice();
    await expect(twice()).rejects.toThrow(/unique/i);
    const nobody = store.write((tx) =>
      tx
        .insertInto('meta')
        .values({ key: 'k', value: null as never })
        .execute(),
    );
    await expect(nobody).rejects.toThrow(/null/i);
  });

  it('gives rows of numbered tables numbers of their own', async () => {
    const one = { epoch: 0, account: 'a', payload: new Uint8Array(), signature: new Uint8Array() };
    const add = (nonce: number) =>
      store.write((tx) =>
        tx
          .insertInto('operations')
          .values({ ...one, nonce, hash: Uint8Array.of(nonce) })
          .returning('id')
          .executeTakeFirstOrThrow(),
      );
    expect([await add(1), await add(2)]).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('opens again what it has made, and refuses what another version has made', async () => {
    const again = await Store.open(database.target);
    await again.close();
    await sql`update kysely_migration set name = '001-first'`.execute(store.db);
    try {
      await expect(Store.open(database.target)).rejects.toThrow(/another version.*new --data folder/);
    } finally {
      await sql`update kysely_migration set name = '001-ledger'`.execute(store.db);
    }
  });

  it('is one validator’s at a time', async () => {
    const other = await openTestDatabase();
    const first = await Store.open(other.target, { claim: 'validator v' });
    const taken = await Store.open(other.target, { claim: 'validator v' }).catch((error: unknown) => error);
    expect(String(taken)).toMatch(/in use by another node|already runs in another process/);
    // Whoever only reads is let in.
    const reader = await Store.open(other.target);
    await reader.close();
    await first.write(put('still there'));
    await first.close();
    const next = await Store.open(other.target, { claim: 'validator v' });
    await next.close();
    other.drop();
  });

  it('runs writes alone that ask for it, between those that came before and after', async () => {
    const order: string[] = [];
    const log = (name: string) => async (): Promise<void> => void order.push(name);
    await Promise.all([
      store.write(log('a')),
      store.write(log('settle'), { alone: true }),
      store.write(log('b')),
    ]);
    expect(order).toEqual(['a', 'settle', 'b']);
    const failed = store.write(() => Promise.reject(new Error('no')), { alone: true });
    await expect(failed).rejects.toThrow('no');
    await store.write(log('again'), { alone: true });
    expect(order.at(-1)).toBe('again');
  });

  it('reads one state of the database', async () => {
    const seen = await store.snapshot(async (tx) => {
      const count = async (): Promise<number> => (await tx.selectFrom('meta').select('key').execute()).length;
      const before = await count();
      const other = await Store.open(database.target);
      await other.write(put('meanwhile'));
      await other.close();
      return [before, await count()];
    });
    expect(seen).toEqual([0, 0]);
    expect(await store.db.selectFrom('meta').select('key').execute()).toHaveLength(1);
  });
});

describe('a ledger of before', () => {
  it('is refused with what to do', async () => {
    const old = await openTestDatabase('sqlite');
    const file = new DatabaseSync(old.target);
    file.exec(
      "create table kysely_migration (name text primary key, timestamp text); insert into kysely_migration values ('001-first', '')",
    );
    file.close();
    await expect(Store.open(old.target)).rejects.toThrow(/001-first.*start with a new --data folder/);
    old.drop();
  });
});
