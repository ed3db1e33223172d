import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestLedger, type TestLedger } from '../testing/ledger.ts';
import { prune, RESULT_EPOCHS } from './retention.ts';
import type { Tx } from './store.ts';

let it0: TestLedger;
beforeEach(async () => {
  it0 = await openTestLedger();
});
afterEach(() => it0.close());

const put = (key: string) => (tx: Tx) => tx.insertInto('meta').values({ key, value: key }).execute();
const keys = async (): Promise<string[]> =>
  (
    await it0.store.db.selectFrom('meta').select('key').whereRef('key', '=', 'value').orderBy('key').execute()
  ).map(({ key }) => key);

describe('store', () => {
  it('batches writes and keeps each one whole', async () => {
    await Promise.all(['a', 'b', 'c'].map((key) => it0.store.write(put(key))));
    expect(await keys()).toEqual(['a', 'b', 'c']);
  });

  it('refuses only the write that fails, not those that shared its transaction', async () => {
    const results = await Promise.allSettled([
      it0.store.write(put('a')),
      it0.store.write(async (tx) => {
        await put('half')(tx);
        throw new Error('no');
      }),
      it0.store.write(put('b')),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await keys()).toEqual(['a', 'b']);
  });

  it('leaves the event loop its turns while a long batch is written', async () => {
    const busy = async (): Promise<void> => {
      for (const end = performance.now() + 3; performance.now() < end;);
    };
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    const written = Promise.all(Array.from({ length: 40 }, () => it0.store.write(busy)));
    setImmediate(count);
    await written;
    counting = false;
    expect(turns).toBeGreaterThan(10);
  });

  it('writes in order, also those that come while one commits', async () => {
    const order: number[] = [];
    const first = it0.store.write(async () => void order.push(1));
    const second = first.then(() => it0.store.write(async () => void order.push(2)));
    const third = it0.store.write(async () => void order.push(3));
    await Promise.all([first, second, third]);
    expect(order).toEqual([1, 3, 2]);
  });
});

describe('retention', () => {
  const task = (n: number, epoch: number, state: 'leased' | 'accepted') => ({
    task_id: new Uint8Array(32).fill(n),
    validator: 'v',
    peer: 'p',
    epoch,
    seq: n,
    kind: 'hash',
    hash_rate: 1,
    state,
    issued_at_ms: 0,
    deadline_at_ms: 0,
  });

  it('keeps what is still to be audited', async () => {
    const { store } = it0;
    await store.db
      .insertInto('tasks')
      .values([1, 2].map((n) => ({ ...task(n, 0, 'accepted'), recheck: n - 1 })))
      .execute();
    await store.db
      .insertInto('results')
      .values([1, 2].map((n) => ({ task_id: new Uint8Array(32).fill(n), epoch: 0, body: new Uint8Array(1) })))
      .execute();
    await prune(store, RESULT_EPOCHS + 1);
    expect(await store.db.selectFrom('tasks').select('seq').execute()).toEqual([{ seq: 2 }]);
    expect(await store.db.selectFrom('results').select('task_id').execute()).toHaveLength(1);
  });

  it('forgets verdicts after their epochs, but no open lease', async () => {
    const rows = [task(1, 0, 'accepted'), task(2, 0, 'leased'), task(3, 5, 'accepted')];
    await it0.store.write((tx) => tx.insertInto('tasks').values(rows).execute());
    await prune(it0.store, RESULT_EPOCHS + 1);
    const left = await it0.store.db.selectFrom('tasks').select('seq').orderBy('seq').execute();
    expect(left.map(({ seq }) => seq)).toEqual([2, 3]);
  });
});
