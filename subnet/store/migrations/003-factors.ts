import { sql, type Kysely, type Migration } from 'kysely';

/**
 * Scores with the factors they come from, which headers commit to from here on together with the epoch's proven failures. An
 * epoch that was closed before has a header without them: such a ledger is refused.
 */
export const migration003: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const { rows } = await sql<{
      n: number;
    }>`select count(*) as n from epochs where payload is not null`.execute(db);
    if ((rows[0]?.n ?? 0) > 0) {
      throw new Error(
        'this ledger closed epochs under an earlier version that did not commit to its scores; start with a new --data folder',
      );
    }
    for (const column of ['quality', 'latency'])
      await db.schema
        .alterTable('weights')
        .addColumn(column, 'integer', (c) => c.notNull().defaultTo(0))
        .execute();
  },
};
