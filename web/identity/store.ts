import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';

/**
 * What the page keeps between visits, by table. Values come back as `unknown`: another version of the page may have
 * written them, so every reader checks what it gets.
 */
export const TABLES = ['accounts', 'slots', 'pins', 'cursors', 'receipts'] as const;
export type Table = (typeof TABLES)[number];

export type StoreFailure = 'STORAGE_FULL' | 'STORAGE_FAILED';

/** Keys are strings and stand in their order, so that a key that begins with a time is an index by time. */
export interface Store {
  /** False when keys do not outlive the page: a private window that blocks IndexedDB, or a disk without room for them. */
  readonly durable: boolean;
  get(table: Table, key: string): Promise<unknown>;
  put(table: Table, key: string, value: unknown): Promise<Outcome<void, StoreFailure>>;
  /** The stored value, or `value` after storing it: one transaction, so two tabs at once agree on one value. */
  getOrPut(table: Table, key: string, value: unknown): Promise<unknown>;
  count(table: Table): Promise<number>;
  /** The last `limit` values by key, the last one first. */
  latest(table: Table, limit: number): Promise<unknown[]>;
  /** Deletes the first entries by key until at most `keep` are left. */
  trim(table: Table, keep: number): Promise<void>;
  close(): void;
}

type Schema = DBSchema & Record<Table, { key: string; value: unknown }>;

/** A browser that blocks storage may neither open the database nor say so. */
const OPEN_TIMEOUT_MS = 3_000;

/** The IndexedDB store, or one in memory where the browser refuses. */
export async function openStore(name = 'gridtab'): Promise<Store> {
  try {
    const opening = openDB<Schema>(name, 1, {
      upgrade(db) {
        for (const table of TABLES) db.createObjectStore(table);
      },
      // A newer page wants to upgrade: let it, this tab goes on from what it has in memory.
      blocking(_current, _blocked, event) {
        (event.target as IDBDatabase).close();
      },
    });
    const timeout = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('the database did not open in time')), OPEN_TIMEOUT_MS);
    });
    return indexedStore(await Promise.race([opening, timeout]));
  } catch {
    return memoryStore();
  }
}

function indexedStore(db: IDBPDatabase<Schema>): Store {
  /** What had to be kept and found no room: a full disk must not keep a tab from working. */
  const roomless = memoryStore();
  let durable = true;
  return {
    get durable() {
      return durable;
    },
    get: async (table, key) => {
      try {
        return await db.get(table, key);
      } catch {
        return undefined; // the database was closed under us; the caller makes do without
      }
    },
    put: async (table, key, value) => {
      try {
        await db.put(table, value, key);
        return ok(undefined);
      } catch (error) {
        const full = error instanceof DOMException && error.name === 'QuotaExceededError';
        return fail(full ? 'STORAGE_FULL' : 'STORAGE_FAILED', errorText(error));
      }
    },
    getOrPut: async (table, key, value) => {
      const fresh = (await roomless.get(table, key)) ?? value;
      try {
        const tx = db.transaction(table, 'readwrite');
        const existing = await tx.store.get(key);
        await Promise.all([existing === undefined ? tx.store.put(fresh, key) : undefined, tx.done]);
        return existing ?? fresh;
      } catch {
        durable = false;
        return await roomless.getOrPut(table, key, fresh);
      }
    },
    count: (table) => db.count(table),
    latest: async (table, limit) => {
      const found: unknown[] = [];
      let cursor = await db.transaction(table).store.openCursor(null, 'prev');
      while (cursor !== null && found.length < limit) {
        found.push(cursor.value);
        cursor = await cursor.continue();
      }
      return found;
    },
    trim: async (table, keep) => {
      const tx = db.transaction(table, 'readwrite');
      let excess = (await tx.store.count()) - keep;
      let cursor = excess > 0 ? await tx.store.openCursor() : null;
      while (cursor !== null && excess-- > 0) {
        await cursor.delete();
        cursor = await cursor.continue();
      }
      await tx.done;
    },
    close: () => db.close(),
  };
}

/** A store that can be used while it opens, so that the page and its API are there at once. */
export function storeOf(opening: Promise<Store>): Store {
  let opened: Store | null = null;
  void opening.then((store) => (opened = store));
  return {
    /** Known once anything was read. */
    get durable() {
      return opened?.durable ?? true;
    },
    get: async (table, key) => (await opening).get(table, key),
    put: async (table, key, value) => (await opening).put(table, key, value),
    getOrPut: async (table, key, value) => (await opening).getOrPut(table, key, value),
    count: async (table) => (await opening).count(table),
    latest: async (table, limit) => (await opening).latest(table, limit),
    trim: async (table, keep) => (await opening).trim(table, keep),
    close: () => void opening.then((store) => store.close()),
  };
}

/** The same, for the life of the page only. */
export function memoryStore(): Store {
  const tables = new Map<Table, Map<string, unknown>>(TABLES.map((table) => [table, new Map()]));
  const of = (table: Table): Map<string, unknown> => tables.get(table) ?? new Map<string, unknown>();
  const keys = (table: Table): string[] => [...of(table).keys()].toSorted();
  return {
    durable: false,
    get: (table, key) => Promise.resolve(of(table).get(key)),
    put: (table, key, value) => {
      of(table).set(key, value);
      return Promise.resolve(ok(undefined));
    },
    getOrPut: (table, key, value) => {
      if (!of(table).has(key)) of(table).set(key, value);
      return Promise.resolve(of(table).get(key));
    },
    count: (table) => Promise.resolve(of(table).size),
    latest: (table, limit) =>
      Promise.resolve(
        keys(table)
          .toReversed()
          .slice(0, limit)
          .map((key) => of(table).get(key)),
      ),
    trim: (table, keep) => {
      for (const key of keys(table).slice(0, Math.max(0, of(table).size - keep))) of(table).delete(key);
      return Promise.resolve();
    },
    close: () => {},
  };
}
