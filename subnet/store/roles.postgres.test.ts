import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseOfServer } from '../testing/databases.ts';
import { Store } from './store.ts';

/** The blocks of SQL in docs/storage.md: what an administrator runs, and what is run in the new database. */
async function documentedSql(): Promise<string[]> {
  const text = await readFile(new URL('../../docs/storage.md', import.meta.url), 'utf8');
  return [...text.matchAll(/```sql\n(.*?)```/gs)].map(([, sql]) => sql ?? '');
}

async function run(database: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseOfServer(database) });
  await client.connect();
  try {
    // One by one: a database is made outside transactions.
    for (const statement of sql.split(';')) await client.query(statement);
  } finally {
    await client.end();
  }
}

const as = (role: string): string => databaseOfServer('ledger').replace('gridtab@', `${role}@`);

describe('the roles that docs/storage.md has made', () => {
  let alice: Store;
  let early: unknown;
  beforeAll(async () => {
    const [administrator = '', owner = ''] = await documentedSql();
    await run('postgres', administrator);
    early = await Store.open(as('alice')).catch((error: unknown) => String(error));
    const made = await Store.open(as('ledger_owner'));
    await made.close();
    await run('ledger', owner);
    alice = await Store.open(as('alice'), { claim: 'validator alice' });
  });
  afterAll(async () => {
    await alice.close();
    await run('postgres', 'drop database ledger; drop role alice, ledger_validators, ledger_owner');
  });

  it('do not let a validator make the tables', () => {
    expect(early).toMatch(/permission denied/);
  });

  it('let a validator read and write, alone as well', async () => {
    const operation = {
      epoch: 0,
      account: 'a',
      nonce: 1,
      hash: new Uint8Array(),
      payload: new Uint8Array(),
      signature: new Uint8Array(),
    };
    await alice.write((tx) => tx.insertInto('operations').values(operation).execute());
    await alice.write((tx) => tx.deleteFrom('operations').where('id', '=', 1).execute(), { alone: true });
    expect(await alice.db.selectFrom('operations').selectAll().execute()).toEqual([]);
  });

  it.each([
    ['change tables', 'alter table receipts drop column hash'],
    ['make tables', 'create table mine (a text)'],
    ['empty tables at once', 'truncate receipts'],
    ['say which version made them', `update kysely_migration set name = 'x'`],
    ['be another validator’s role', 'set role ledger_owner'],
    ['make roles', 'create role mallory'],
  ])('do not let a validator %s', async (_what, sql) => {
    const client = new pg.Client({ connectionString: as('alice') });
    await client.connect();
    await expect(client.query(sql)).rejects.toThrow(/permission denied|must be owner/);
    await client.end();
  });
});
