import type { Kysely, Migration } from 'kysely';

/** What an account has in escrow, and what is still held of an epoch, without reading every lot there ever was. */
export const migration003: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.dropIndex('lots_held').execute();
    await db.schema.createIndex('lots_account').on('lots').columns(['account', 'ended_as']).execute();
    await db.schema.createIndex('lots_epoch').on('lots').columns(['ended_epoch', 'epoch']).execute();
  },
};
