import { openExistingStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';

/** Reads the ledger of a node, running or not. Throws, with what to do, where there is none. */
export async function withLedger<T>(
  flags: { data: string; database?: string },
  use: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openExistingStore(flags);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
