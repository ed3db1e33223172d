import { existsSync } from 'node:fs';
import { Store } from '../store/store.ts';
import { ledgerFile } from '../validator.ts';

/** Reads the ledger of a node, running or not. Throws, with what to do, where there is none. */
export async function withLedger<T>(flags: { data: string }, use: (store: Store) => Promise<T>): Promise<T> {
  const file = ledgerFile(flags.data);
  if (!existsSync(file))
    throw new Error(`There is no ledger at ${file}. Run gridtab node first, or name the folder with --data.`);
  const store = await Store.open(file);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
