import { join } from 'node:path';

/** The SQLite file of a node's data folder. */
export const ledgerFile = (dataDir: string): string => join(dataDir, 'ledger.sqlite');

/** What `Store.open` takes: the database that was named, or the file in the data folder. */
export const databaseTarget = ({
  data,
  database,
}: {
  data: string;
  database?: string | null | undefined;
}): string => database ?? ledgerFile(data);
