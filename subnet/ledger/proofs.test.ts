import { setImmediate } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openBalanceProof } from '../../protocol/balance-proof.ts';
import { openEpoch, type EpochHeader } from '../../protocol/epoch.ts';
import { MAX_PATH, receiptLeaf, rootOf, verifySumPath } from '../../protocol/merkle.ts';
import { openReceipt, receiptHash, type SignedReceipt } from '../../protocol/receipt.ts';
import { accountOf, peerOf } from '../testing/ledger.ts';
import { WorkingLedger } from '../testing/working-ledger.ts';
import { breather } from '../store/breather.ts';
import { BalanceTree } from './balance-tree.ts';
import { holdingsPage, writeHoldings } from './holdings-rows.ts';
import { holdingsTree } from './holdings.ts';
import { Proofs } from './proofs.ts';
import { ReceiptTree } from './receipt-tree.ts';

let it0: WorkingLedger;
const peer = await peerOf(1);
beforeEach(async () => {
  it0 = await WorkingLedger.open();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await it0.close();
});

async function headerOf(epoch: number): Promise<EpochHeader> {
  const [signed] = await it0.ledger.epochs(epoch, 1);
  const opened =
    signed === undefined ? null : openEpoch({ payload: signed.payload, signature: signed.signature });
  if (opened?.ok !== true) throw new Error(`no header of epoch ${epoch}`);
  return opened.value;
}

const taskOf = (signed: SignedReceipt): Uint8Array => {
  const opened = openReceipt(signed);
  if (!opened.ok) throw new Error(opened.message);
  return opened.value.taskId;
};

/** The balance of a tab's account, proven against the header of the epoch that the proof names. */
async function proven(tab: number) {
  const proof = await it0.ledger.proofs.balance(peer, accountOf(tab));
  if (!proof.ok) throw new Error(proof.message);
  const { balances } = await headerOf(proof.value.epoch);
  const opened = openBalanceProof(proof.value, accountOf(tab), balances);
  if (!opened.ok) throw new Error(opened.message);
  return { epoch: proof.value.epoch, ...opened.value };
}

it('keeps what everybody owns as the last block left it', async () => {
  await it0.accept(1, 1000n);
  await it0.accept(2, 3000n);
  await it0.closeEpoch();
  for (let epoch = 0; epoch < 3; epoch++) {
    const { balances, totalIssued } = await headerOf(epoch);
    expect(rootOf(holdingsTree(await holdingsPage(it0.store.db, null)))).toEqual(balances);
    expect(balances.sum).toBe(totalIssued);
    await it0.accept(3, 500n, 'infer');
    // A proven failure empties an escrow: a row may also go.
    if (epoch === 1) await it0.punish(2);
    await it0.closeEpoch();
  }
});

it('writes only the rows that changed, and takes away those of accounts with nothing left', async () => {
  const holdings = new Map(
    ['a', 'b', 'c'].map((account) => [account, { spendable: 5n, escrow: 0n, onHold: 0n }]),
  );
  const written: string[] = [];
  const write = (): Promise<void> =>
    it0.store.write(async (tx) => {
      const watched = new Proxy(tx, {
        get(target, name) {
          if (name === 'insertInto' || name === 'deleteFrom') written.push(name);
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
      await writeHoldings(watched, holdings, breather());
    });
  await write();
  // Three rows: a statement with two, and one with one.
  expect(written.splice(0)).toEqual(['insertInto', 'insertInto']);
  holdings.set('b', { spendable: 4n, escrow: 1n, onHold: 0n });
  holdings.set('c', { spendable: 0n, escrow: 0n, onHold: 0n });
  await write();
  expect(written.toSorted()).toEqual(['deleteFrom', 'insertInto']);
  expect(await holdingsPage(it0.store.db, null)).toEqual([
    { account: 'a', spendable: 5n, escrow: 0n, onHold: 0n },
    { account: 'b', spendable: 4n, escrow: 1n, onHold: 0n },
  ]);
});

it('proves a balance as of the last closed epoch, and that somebody owns nothing', async () => {
  expect(await it0.ledger.proofs.balance(peer, accountOf(1))).toMatchObject({ ok: false, code: 'NOT_FOUND' });
  for (const tab of [1, 2, 3, 4]) await it0.accept(tab, 1000n * BigInt(tab));
  await it0.closeEpoch();
  const first = await proven(1);
  expect(first).toMatchObject({ epoch: 0, owns: true });
  expect(first.hashes).toBeLessThanOrEqual(MAX_PATH);
  expect(first.holdings.spendable + first.holdings.escrow).toBe(await it0.settledOf(1));
  expect(first.holdings.escrow).toBeGreaterThan(0n);
  for (const nobody of [9, 10, 11, 12, 13, 14])
    expect(await proven(nobody)).toMatchObject({ owns: false, holdings: { escrow: 0n } });

  await it0.accept(1, 5000n);
  await it0.closeEpoch();
  const second = await proven(1);
  expect(second.epoch).toBe(1);
  expect(second.holdings.escrow).toBeGreaterThan(first.holdings.escrow);
});

it('reads again when an epoch closes while it reads', async () => {
  await it0.accept(1, 1000n);
  await it0.closeEpoch();
  await it0.accept(2, 1000n);
  // The first look at what has closed; by the time that it is answered another epoch has.
  const chain = () => looked;
  const looked = {
    select: chain,
    where: chain,
    orderBy: chain,
    limit: chain,
    executeTakeFirst: async () => {
      await it0.closeEpoch();
      return { epoch: 0 };
    },
  };
  vi.spyOn(it0.store.db, 'selectFrom').mockReturnValueOnce(looked as never);
  const tree = await BalanceTree.read(it0.store.db);
  const proof = tree?.prove(accountOf(1));
  expect(proof?.epoch).toBe(1);
  const { balances } = await headerOf(1);
  expect(proof !== undefined && openBalanceProof(proof, accountOf(1), balances).ok).toBe(true);
});

it('proves where the receipts of an account lie, and says nothing of those of others', async () => {
  const own: SignedReceipt[] = [];
  for (let i = 0; i < 7; i++) own.push(await it0.accept(1, 100n + BigInt(i)));
  const foreign = await it0.accept(2, 100n);
  await it0.closeEpoch();
  const later = await it0.accept(1, 100n);
  await it0.closeEpoch();
  const ask = (epoch: number, ...receipts: SignedReceipt[]) =>
    it0.ledger.proofs.inclusions(peer, accountOf(1), epoch, receipts.map(taskOf));
  const { receipts } = await headerOf(0);
  expect(receipts.sum).toBe(8n);
  const found = await ask(0, ...own, foreign, later);
  if (!found.ok) throw new Error(found.message);
  expect(found.value).toHaveLength(own.length);
  for (const signed of own) {
    const path = found.value.find(({ taskId }) => Buffer.compare(taskId, taskOf(signed)) === 0)?.path;
    expect(path !== undefined && verifySumPath(receiptLeaf(receiptHash(signed)), path, receipts)).toBe(true);
  }
  expect(await ask(1, later)).toMatchObject({ ok: true, value: [{ path: { index: 0, count: 1 } }] });
  for (const epoch of [2, 3, Number.MAX_SAFE_INTEGER])
    expect(await ask(epoch, later)).toMatchObject({ ok: false, code: 'NOT_FOUND' });
});

it('builds a tree once while there is room for it, and forgets the one used longest ago', async () => {
  const taskIds: Uint8Array[] = [];
  for (let epoch = 0; epoch < 3; epoch++) {
    for (let i = 0; i < 2; i++) taskIds[epoch] = taskOf(await it0.accept(1, 100n));
    await it0.closeEpoch();
  }
  const read = vi.spyOn(ReceiptTree, 'read');
  const proofs = new Proofs(it0.store.db, { leaves: 4, trees: 9 });
  const ask = async (...epochs: number[]): Promise<number[]> => {
    read.mockClear();
    for (const epoch of epochs)
      await proofs.inclusions(peer, accountOf(1), epoch, [taskIds[epoch] ?? new Uint8Array(32)]);
    return read.mock.calls.map(([, epoch]) => epoch);
  };
  expect(await ask(0, 0, 1, 0, 1)).toEqual([0, 1]);
  // There is room for two: 0 was used last, so 1 goes.
  expect(await ask(0, 2, 0, 2, 1)).toEqual([2, 1]);
  // Many at once are one build, and who has no receipt in an epoch causes none.
  read.mockClear();
  await Promise.all(
    [1, 2, 3].map(() => proofs.inclusions(peer, accountOf(1), 0, [taskIds[0] ?? new Uint8Array(32)])),
  );
  await proofs.inclusions(peer, accountOf(2), 1, [taskIds[1] ?? new Uint8Array(32)]);
  expect(read.mock.calls.map(([, epoch]) => epoch)).toEqual([0]);
});

const MANY = 100_000;
/** Turns that the event loop gets at least: some for reading, and one for every few milliseconds of hashing. */
const LEAST_TURNS = 20;

it('keeps no other work waiting while it builds trees of 100,000 leaves', { timeout: 60_000 }, async () => {
  const last = await it0.accept(1, 1000n);
  await it0.closeEpoch();
  const count = sql`with recursive n(i) as (select 0 union all select i + 1 from n where i < ${MANY - 1})`;
  const [padded, random] =
    it0.store.durability.database === 'sqlite'
      ? [sql`printf('%064d', i)`, sql`randomblob(32)`]
      : [sql`lpad(i::text, 64, '0')`, sql`sha256(random()::text::bytea)`];
  await sql`insert into holdings (account, spendable, escrow, on_hold) ${count} select ${padded}, '1', '2', '3' from n`.execute(
    it0.store.db,
  );
  await sql`
    insert into receipts (task_id, validator, epoch, kind, peer, account, work, kind_index, payload, signature, hash)
    ${count} select ${random}, '', 0, '', '', '', '', 0, ${random}, ${random}, ${random} from n
  `.execute(it0.store.db);
  const turns = await turnsDuring(async () => {
    const proof = await it0.ledger.proofs.balance(peer, accountOf(1));
    const found = await it0.ledger.proofs.inclusions(peer, accountOf(1), 0, [taskOf(last)]);
    expect(proof).toMatchObject({ ok: true, value: { leaves: [{ path: { count: MANY + 3 } }] } });
    expect(found).toMatchObject({ ok: true, value: [{ path: { count: MANY + 1 } }] });
  });

  expect(turns).toBeGreaterThan(LEAST_TURNS);
});

/** How often the event loop turned meanwhile. Not how long it took: machines are shared. */
async function turnsDuring(work: () => Promise<void>): Promise<number> {
  let turns = 0;
  const worked = new AbortController();
  const watching = (async () => {
    for (; !worked.signal.aborted; turns++) await setImmediate();
  })();
  await work();
  worked.abort();
  await watching;
  return turns;
}
