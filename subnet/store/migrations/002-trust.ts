import { sql, type Kysely, type Migration } from 'kysely';

/**
 * Trust: escrow that vests, verdict counts, proven failures, results kept for later audits. An epoch that was closed under
 * the first layout paid at once, which cannot be replayed under this one: such a ledger is refused.
 */
export const migration002: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const { rows } = await sql<{
      n: number;
    }>`select count(*) as n from epochs where payload is not null`.execute(db);
    if ((rows[0]?.n ?? 0) > 0) {
      throw new Error(
        'this ledger closed epochs under an earlier version that paid without escrow; start with a new --data folder',
      );
    }
    await db.schema.dropTable('pending_work').execute();
    await db.schema.dropTable('settlements').execute();
    await db.schema
      .createTable('epoch_work')
      .addColumn('epoch', 'integer', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('peer', 'text', (c) => c.notNull())
      .addColumn('units', 'integer', (c) => c.notNull())
      .addColumn('work', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('epoch_work_key', ['epoch', 'kind', 'account', 'peer'])
      .execute();
    await db.schema
      .createTable('weights')
      .addColumn('epoch', 'integer', (c) => c.notNull())
      .addColumn('mechanism', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('peer', 'text', (c) => c.notNull())
      .addColumn('weight', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('weights_key', ['epoch', 'mechanism', 'account', 'peer'])
      .execute();
    await db.schema
      .createTable('settlements')
      .addColumn('epoch', 'integer', (c) => c.notNull())
      .addColumn('mechanism', 'text', (c) => c.notNull())
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('amount', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('settlements_key', ['epoch', 'mechanism', 'role', 'account'])
      .execute();
    await db.schema
      .createTable('lots')
      .addColumn('epoch', 'integer', (c) => c.notNull())
      .addColumn('mechanism', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('peer', 'text', (c) => c.notNull())
      .addColumn('amount', 'text', (c) => c.notNull())
      .addColumn('last_index', 'integer', (c) => c.notNull())
      .addColumn('ended_epoch', 'integer')
      .addColumn('ended_as', 'text', (c) => c.check(sql`ended_as in ('release', 'forfeit')`))
      .addPrimaryKeyConstraint('lots_key', ['epoch', 'mechanism', 'account', 'peer'])
      .execute();
    // What an account has in escrow, and what is still held, without reading every lot there ever was.
    await db.schema.createIndex('lots_account').on('lots').columns(['account', 'ended_as']).execute();
    await db.schema.createIndex('lots_epoch').on('lots').columns(['ended_epoch', 'epoch']).execute();
    await db.schema
      .createTable('penalties')
      .addColumn('task_id', 'blob', (c) => c.primaryKey())
      .addColumn('epoch', 'integer', (c) => c.notNull())
      .addColumn('peer', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('code', 'text', (c) => c.notNull())
      .addColumn('at_ms', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('penalties_peer').on('penalties').columns(['peer', 'epoch']).execute();
    await db.schema.createIndex('penalties_epoch').on('penalties').columns(['epoch']).execute();
    await db.schema
      .createTable('standings')
      .addColumn('peer', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('accepted', 'integer', (c) => c.notNull())
      .addColumn('escrow_from', 'integer', (c) => c.notNull())
      .addColumn('escrow', 'text', (c) => c.notNull())
      .addColumn('escrow_epoch', 'integer', (c) => c.notNull())
      .addColumn('audits', 'text', (c) => c.notNull())
      .addColumn('suspect_left', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('standings_key', ['peer', 'kind'])
      .execute();
    await db.schema
      .createIndex('standings_account')
      .on('standings')
      .columns(['account', 'kind', 'escrow_epoch'])
      .execute();
    await db.schema
      .createTable('qualities')
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('passed', 'integer', (c) => c.notNull())
      .addColumn('failed', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('qualities_key', ['account', 'kind'])
      .execute();
    await db.schema
      .alterTable('peers')
      .addColumn('latency', 'integer', (c) => c.notNull().defaultTo(65_536))
      .execute();
    await db.schema
      .alterTable('peers')
      .addColumn('strikes', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
    await db.schema
      .alterTable('peers')
      .addColumn('punished_until', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
    await db.schema
      .alterTable('receipts')
      .addColumn('kind_index', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
    await db.schema
      .createIndex('receipts_peer')
      .on('receipts')
      .columns(['peer', 'kind', 'kind_index'])
      .execute();
    await db.schema.alterTable('tasks').addColumn('account', 'text').execute();
    await db.schema.alterTable('tasks').addColumn('artefact', 'text').execute();
    await db.schema
      .alterTable('tasks')
      .addColumn('audited', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
    await db.schema
      .alterTable('tasks')
      .addColumn('recheck', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
    await db.schema.alterTable('tasks').addColumn('revoked', 'text').execute();
    await db.schema.createIndex('tasks_recheck').on('tasks').columns(['recheck']).execute();
    await db.schema
      .createTable('results')
      .addColumn('task_id', 'blob', (c) => c.primaryKey())
      .addColumn('epoch', 'integer', (c) => c.notNull())
      .addColumn('body', 'blob', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('results_epoch').on('results').columns(['epoch']).execute();
  },
};
