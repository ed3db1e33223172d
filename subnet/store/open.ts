import { existsSync } from 'node:fs';
import { isDatabaseUrl, Store } from './store.ts';
import { databaseTarget } from './target.ts';

/** Opens the store of a node that has run, to look into it. Throws where there is none. */
export async function openExistingStore(where: Parameters<typeof databaseTarget>[0]): Promise<Store> {
  const target = databaseTarget(where);
  if (!isDatabaseUrl(target) && !existsSync(target))
    throw new Error(
      `There is no ledger at ${target}. Run gridtab node first, or name the folder with --data or the database with --database.`,
    );
  return await Store.open(target);
}
