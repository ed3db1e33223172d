import { setTimeout } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmptyStore, openTestDatabase, type TestDatabase } from '../testing/databases.ts';
import { Unavailable } from './backend.ts';
import { Store, type Tx } from './store.ts';

/** Stores of several processes, as far as the database can tell: each has connections of its own. */
let stores: Store[] = [];
let database: TestDatabase;
const nth = (index: number): Store => {
  const store = stores[index];
  if (store === undefined) throw new Error('expected more stores');
  return store;
};
const first = (): Store => nth(0);
const second = (): Store => nth(1);

beforeEach(async () => {
  database = await openTestDatabase();
  stores = [await openEmptyStore(database.target)];
  for (let i = 0; i < 2; i++) stores.push(await Store.open(database.target));
});
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()));
  database.drop();
});

const read = async (tx: Pick<Tx, 'selectFrom'>, key: string): Promise<bigint> => {
  const row = await tx.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst();
  return BigInt(row?.value ?? '0');
};
const set = (tx: Tx, key: string, to: bigint): Promise<unknown> =>
  tx
    .insertInto('meta')
    .values({ key, value: to.toString() })
    .onConflict((oc) => oc.column('key').doUpdateSet({ value: to.toString() }))
    .execute();
/** As balances and sums are written: read, add, write. */
const add = (key: string, by: bigint) => async (tx: Tx) => await set(tx, key, (await read(tx, key)) + by);

/** Resolves when so many have called it. */
function meeting(of: number): () => Promise<void> {
  let missing = of;
  let open: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (open = resolve));
  return async () => {
    if (--missing === 0) open();
    // Those who come back after a conflict find it open.
    await all;
  };
}

describe('several writers', () => {
  it('lose no update of each other', async () => {
    const each = 50;
    await Promise.all(
      stores.flatMap((store) => Array.from({ length: each }, () => store.write(add('sum', 1n)))),
    );
    expect(await read(first().db, 'sum')).toBe(BigInt(stores.length * each));
  });

  it('lose no update when every write is a transaction of its own', async () => {
    const each = 30;
    const oneByOne = async (store: Store): Promise<void> => {
      for (let i = 0; i < each; i++) await store.write(add('sum', 1n));
    };
    await Promise.all(stores.map(oneByOne));
    expect(await read(first().db, 'sum')).toBe(BigInt(stores.length * each));
  });

  it('cannot both take what is enough for one', async () => {
    await first().write((tx) => set(tx, 'a', 60n));
    await first().write((tx) => set(tx, 'b', 60n));
    const both = meeting(2);
    // Write skew: each looks at both rows and changes another one, so that no row is written twice.
    const take = (key: string) => async (tx: Tx) => {
      const left = (await read(tx, 'a')) + (await read(tx, 'b')) - 100n;
      await both();
      if (left < 0n) return false;
      await set(tx, key, (await read(tx, key)) - 60n);
      return true;
    };
    const taken = await Promise.all([first().write(take('a')), second().write(take('b'))]);
    expect(taken.filter(Boolean)).toHaveLength(1);
    expect((await read(first().db, 'a')) + (await read(first().db, 'b'))).toBe(60n);
  });

  it('run one at a time where they ask to be alone, and see what the one before wrote', async () => {
    let inside = 0;
    let attempts = 0;
    const settle = async (tx: Tx): Promise<bigint> => {
      attempts += 1;
      inside += 1;
      expect(inside).toBe(1);
      const epoch = (await read(tx, 'epoch')) + 1n;
      await setTimeout(5);
      await set(tx, 'epoch', epoch);
      inside -= 1;
      return epoch;
    };
    const closed = await Promise.all(
      stores.flatMap((store) => [1, 2, 3].map(() => store.write(settle, { alone: true }))),
    );
    expect(new Set(closed)).toEqual(new Set([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n]));
    // Whoever waited began after it was alone: nothing was done twice.
    expect(attempts).toBe(9);
  });

  /** Reads what all others write to, slowly, and writes what all others read. */
  const settleSlowly = async (tx: Tx): Promise<void> => {
    await tx.selectFrom('meta').selectAll().where('key', '>=', 'w').where('key', '<', 'x').execute();
    await setTimeout(100);
    await set(tx, 'open', 1n);
    await set(tx, 'w0', 0n);
  };

  /** Runs `work` while two others write as fast as they can. */
  async function underLoad(work: () => Promise<void>): Promise<void> {
    await first().write((tx) => set(tx, 'open', 0n));
    const load = { on: true, writes: 0 };
    const busy = [1, 2].map(async (index) => {
      for (; load.on; load.writes++)
        await nth(index).write(async (tx) => {
          await read(tx, 'open');
          await set(tx, `w${load.writes % 50}`, 1n);
        });
    });
    await expect.poll(() => load.writes).toBeGreaterThan(20);
    try {
      await work();
    } finally {
      load.on = false;
      await Promise.all(busy);
    }
  }

  it('do not keep one from ever settling', async () => {
    let attempts = 0;
    await underLoad(async () => {
      for (let i = 0; i < 3; i++)
        await first().write(
          async (tx) => {
            attempts += 1;
            await settleSlowly(tx);
          },
          { alone: true },
        );
    });
    expect(attempts).toBe(3);
  });

  it('get through in the end, however busy the others are', async () => {
    let attempts = 0;
    await underLoad(() =>
      first().write(async (tx) => {
        attempts += 1;
        await settleSlowly(tx);
      }),
    );
    expect(attempts).toBeGreaterThan(1);
    expect(attempts).toBeLessThanOrEqual(6);
  });

  it('are told where somebody who is no store keeps them from it', async () => {
    await first().write((tx) => set(tx, 'hot', 0n));
    let attempts = 0;
    const unlucky = second().write(async (tx) => {
      attempts += 1;
      await read(tx, 'hot');
      await sql`update meta set value = '7' where key = 'hot'`.execute(first().db);
      await set(tx, 'hot', 100n);
    });
    await expect(unlucky).rejects.toThrow(/met another one 10 times/);
    expect(attempts).toBe(10);
  });

  it('do not mistake a transaction that was rolled back for one that was written', async () => {
    const careless = first().write(async (tx) => {
      await set(tx, 'written', 1n);
      await sql`select 1 / 0`.execute(tx).catch(() => undefined);
    });
    await expect(careless).rejects.toThrow(/rolled back/);
    expect(await read(first().db, 'written')).toBe(0n);
  });

  it('make the tables once, whoever comes first', async () => {
    await sql`drop schema public cascade`.execute(first().db);
    await sql`create schema public`.execute(first().db);
    const opened = await Promise.all([1, 2, 3].map(() => Store.open(database.target)));
    await opened[0]?.write((tx) => set(tx, 'made', 1n));
    await Promise.all(opened.map((store) => store.close()));
    expect(await read(first().db, 'made')).toBe(1n);
  });
});

describe('a database that goes away', () => {
  const endSessions = (): Promise<unknown> =>
    sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`.execute(first().db);

  it('fails the write it interrupts with a clear error, once, and is used again when it is back', async () => {
    let attempts = 0;
    const interrupted = second().write(async (tx) => {
      attempts += 1;
      await set(tx, 'a', 1n);
      await endSessions();
      await set(tx, 'b', 1n);
    });
    const alongside = second().write((tx) => set(tx, 'c', 1n));
    for (const lost of [interrupted, alongside]) {
      const error: unknown = await lost.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Unavailable);
      expect(String(error)).toContain('cannot be reached');
    }
    // Whether a lost commit was one is not known: nothing is run again behind its caller's back.
    expect(attempts).toBe(1);
    await second().write((tx) => set(tx, 'a', 2n));
    expect(await read(second().db, 'a')).toBe(2n);
    expect(await read(second().db, 'c')).toBe(0n);
  });

  it('does not end the process when idle connections break', async () => {
    await Promise.all([1, 2, 3].map(() => second().db.selectFrom('meta').selectAll().execute()));
    await endSessions();
    await setTimeout(50);
    expect(await read(second().db, 'a')).toBe(0n);
  });

  it('lets nobody write under a name that may be another’s by now, until it has it again', async () => {
    const mine = await Store.open(database.target, { claim: 'validator v' });
    await endSessions();
    await setTimeout(50);
    const error: unknown = await mine.write((tx) => set(tx, 'a', 1n)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Unavailable);
    await expect
      .poll(
        () =>
          mine
            .write((tx) => set(tx, 'a', 1n))
            .then(
              () => true,
              () => false,
            ),
        { timeout: 5_000 },
      )
      .toBe(true);
    await mine.close();
  });

  it('is named without its password where it cannot be reached', async () => {
    const open = Store.open('postgres://me:secret@127.0.0.1:1/db');
    const error: unknown = await open.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Unavailable);
    expect(String(error)).toContain('postgres://me@127.0.0.1:1/db');
    expect(String(error)).not.toContain('secret');
  });
});

describe('a URL of another kind of database', () => {
  it('is no name of a file', async () => {
    await expect(Store.open('mysql://me:secret@host/db')).rejects.toThrow(/begins with postgres:/);
  });
});

describe('a database that could lose what it has committed', () => {
  it('is refused', async () => {
    const [name] = (await sql<{ name: string }>`select current_database() as name`.execute(first().db)).rows;
    await sql`alter database ${sql.id(name?.name ?? '')} set synchronous_commit = off`.execute(first().db);
    try {
      await expect(Store.open(database.target)).rejects.toThrow(/synchronous_commit must be on/);
    } finally {
      await sql`alter database ${sql.id(name?.name ?? '')} reset synchronous_commit`.execute(first().db);
    }
  });
});
