import { sql, type Kysely, type Migration } from 'kysely';

/** The first layout: peers, tasks, receipts, epochs, balances, jobs. */
export const migration001: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('meta')
      .addColumn('key', 'text', (c) => c.primaryKey())
      .addColumn('value', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('peers')
      .addColumn('peer', 'text', (c) => c.primaryKey())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('registered_at_ms', 'bigint', (c) => c.notNull())
      .addColumn('last_seen_at_ms', 'bigint', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('tasks')
      .addColumn('task_id', 'blob', (c) => c.primaryKey())
      .addColumn('peer', 'text', (c) => c.notNull())
      .addColumn('epoch', 'integer', (c) => c.notNull())
      .addColumn('seq', 'integer', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('hash_rate', 'real', (c) => c.notNull())
      .addColumn('job', 'integer')
      .addColumn('state', 'text', (c) =>
        c.notNull().check(sql`state in ('leased', 'accepted', 'rejected', 'released', 'expired')`),
      )
      .addColumn('issued_at_ms', 'bigint', (c) => c.notNull())
      .addColumn('deadline_at_ms', 'bigint', (c) => c.notNull())
      .addColumn('code', 'text')
      .addColumn('evidence', 'text')
      .addColumn('digest', 'blob')
      .addColumn('provider', 'text')
      .addColumn('elapsed_ms', 'real')
      .addColumn('judged_at_ms', 'bigint')
      .addUniqueConstraint('tasks_peer_seq', ['peer', 'seq'])
      .execute();
    await db.schema.createIndex('tasks_epoch').on('tasks').columns(['epoch']).execute();
    await db.schema.createIndex('tasks_state').on('tasks').columns(['state', 'peer']).execute();
    await db.schema
      .createTable('receipts')
      .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('task_id', 'blob', (c) => c.notNull().unique())
      .addColumn('epoch', 'integer', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('peer', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('work', 'text', (c) => c.notNull())
      .addColumn('payload', 'blob', (c) => c.notNull())
      .addColumn('signature', 'blob', (c) => c.notNull())
      .addColumn('hash', 'blob', (c) => c.notNull())
      .execute();
    await db.schema.createIndex('receipts_account').on('receipts').columns(['account', 'id']).execute();
    await db.schema.createIndex('receipts_epoch').on('receipts').columns(['epoch', 'hash']).execute();
    await db.schema
      .createTable('pending_work')
      .addColumn('epoch', 'integer', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('units', 'integer', (c) => c.notNull())
      .addColumn('work', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('pending_work_key', ['epoch', 'kind', 'account'])
      .execute();
    await db.schema
      .createTable('epochs')
      .addColumn('epoch', 'integer', (c) => c.primaryKey())
      .addColumn('beacon', 'blob', (c) => c.notNull())
      .addColumn('audit_commitment', 'blob', (c) => c.notNull())
      .addColumn('slots', 'integer', (c) => c.notNull())
      .addColumn('opened_at_ms', 'bigint', (c) => c.notNull())
      .addColumn('payload', 'blob')
      .addColumn('signature', 'blob')
      .execute();
    await db.schema
      .createTable('settlements')
      .addColumn('epoch', 'integer', (c) => c.notNull())
      .addColumn('mechanism', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('amount', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('settlements_key', ['epoch', 'mechanism', 'account'])
      .execute();
    await db.schema
      .createTable('balances')
      .addColumn('account', 'text', (c) => c.primaryKey())
      .addColumn('amount', 'text', (c) => c.notNull())
      .execute();
    await db.schema
      .createTable('jobs')
      .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('name', 'text', (c) => c.notNull().unique())
      .addColumn('model', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('unit', 'blob', (c) => c.notNull())
      .addColumn('state', 'text', (c) =>
        c.notNull().check(sql`state in ('queued', 'leased', 'done', 'failed')`),
      )
      .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
      .addColumn('task_id', 'blob')
      .addColumn('body', 'blob')
      .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
      .execute();
    await db.schema
      .createTable('job_refusals')
      .addColumn('job', 'integer', (c) => c.notNull().references('jobs.id').onDelete('cascade'))
      .addColumn('account', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('job_refusals_key', ['job', 'account'])
      .execute();
    await db.schema.createIndex('jobs_state').on('jobs').columns(['state', 'id']).execute();
  },
};
