import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { History, POLICY, step } from '../testing/history.ts';
import { auditOf } from '../testing/working-ledger.ts';
import { PASS_ONE } from '../trust/pass-weight.ts';

const audited = ({ base: { store } }: History) => auditOf(store);

let begun: History[] = [];
afterEach(async () => {
  await Promise.all(begun.map((history) => history.end()));
  begun = [];
});

describe('a unit that vests before its audit is done', () => {
  it('keeps its result until then', async () => {
    const history = await History.begin();
    begun.push(history);
    const { store } = history.base;
    const one = {
      do: 'work',
      peer: 1,
      account: 1,
      kind: 0,
      work: 10n,
      straddle: false,
      stale: false,
    } as const;
    await history.take(one);
    const { task_id } = await store.db.selectFrom('tasks').select('task_id').executeTakeFirstOrThrow();
    await store.db
      .insertInto('results')
      .values({ task_id, epoch: 0, body: new Uint8Array(8) })
      .execute();
    await store.db.updateTable('tasks').set({ recheck: 1 }).execute();
    for (let i = 0; i < POLICY.vestingTasks + 1; i++) await history.take(one);
    const kept = await store.db.selectFrom('results').select('body').where('task_id', '=', task_id).execute();
    expect(kept).toHaveLength(1);
  });
});

describe('what a pass of a newcomer weighs', () => {
  it('does not depend on tabs of its account that left long ago', async () => {
    const history = await History.begin();
    begun.push(history);
    const { store, ledger } = history.base;
    const work = { do: 'work', account: 1, kind: 0, work: 1_000n, straddle: false, stale: false } as const;
    for (let i = 0; i < 12; i++) await history.take({ ...work, peer: 1 });
    for (let i = 0; i < POLICY.vestingEpochs; i++) await ledger.closeEpoch();
    const passed = async (): Promise<number> =>
      (await store.db.selectFrom('qualities').select('passed').executeTakeFirst())?.passed ?? 0;
    const before = await passed();
    await history.take({ ...work, peer: 2 });
    expect((await passed()) - before).toBe(PASS_ONE);
  });
});

describe('a unit whose rate is made while its epoch closes', () => {
  it('is held to the escrow of the epoch that opened', async () => {
    const history = await History.begin();
    begun.push(history);
    const every = async (one: { work: bigint; straddle: boolean }): Promise<void> => {
      // So many that not all of them are audited.
      for (const peer of [1, 2, 3])
        for (const kind of [0, 1])
          await history.take({ do: 'work', peer, account: 1, kind, stale: false, ...one });
    };
    await every({ work: 1_000n, straddle: false });
    await every({ work: 1_000n, straddle: false });
    for (let i = 0; i < POLICY.vestingEpochs; i++) await history.take({ do: 'close' });
    await every({ work: 1_000n, straddle: false });
    await every({ work: 100n, straddle: true });
    for (let i = 0; i <= POLICY.vestingEpochs; i++) await history.take({ do: 'close' });
    expect(await audited(history)).toMatchObject({ ok: true });
  });
});

describe('any history', () => {
  it('replays to the last base unit, with what is in escrow as the receipts say', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 90, size: 'max' }), async (steps) => {
        const history = await History.begin();
        begun.push(history);
        for (const one of steps) {
          await history.take(one);
          expect(await history.wrongEscrow()).toEqual([]);
        }
        expect(await audited(history)).toMatchObject({ ok: true });
      }),
      { numRuns: Number(process.env['HISTORIES'] ?? 12) },
    );
  }, 120_000);
});
