import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openEmptyStore, openTestDatabase } from '../testing/databases.ts';
import { breather } from './breather.ts';
import { inPieces, insertMany } from './many.ts';

it('cuts rows into few sizes of pieces, and loses none', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { maxLength: 300 }), (rows) => {
      const pieces = [...inPieces(rows)];
      expect(pieces.flat()).toEqual(rows);
      expect(pieces.every(({ length }) => [1, 2, 4, 8, 16, 32, 64].includes(length))).toBe(true);
    }),
  );
});

it('inserts any number of rows', async () => {
  const database = await openTestDatabase();
  const store = await openEmptyStore(database.target);
  const rows = Array.from({ length: 203 }, (_, i) => ({ key: `k${i}`, value: String(i) }));
  await store.write(async (tx) => {
    await insertMany(tx, 'meta', rows, breather());
    await insertMany(tx, 'meta', [], breather());
  });
  expect(new Set(await store.db.selectFrom('meta').selectAll().execute())).toEqual(new Set(rows));
  await store.close();
  database.drop();
});
