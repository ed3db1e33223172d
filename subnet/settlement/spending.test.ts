import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountOf, type Account } from '../../protocol/account.ts';
import { hexToBytes } from '../../protocol/bytes.ts';
import { readEpoch } from '../../protocol/epoch.ts';
import { operationHash, type Action } from '../../protocol/operation.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import { readSpendable } from '../ledger/holdings.ts';
import { Spending } from '../spending/spending.ts';
import type { OperationDone, OperationRefusal } from '../spending/submit.ts';
import { SUBNET } from '../testing/ledger.ts';
import { SeveralValidators } from '../testing/several-validators.ts';
import { hold, holdNameOf, M, pay, signed, transfer } from '../testing/spending.ts';
import { auditOf } from '../testing/working-ledger.ts';

/** Accounts of the validators, which are paid in epoch 2; and some others. */
const [first, second] = [110, 111].map((n) => accountOf(new Uint8Array(32).fill(n))) as [Account, Account];
const [bob, mallory] = [accountOf(), accountOf()];

let all: SeveralValidators;
beforeEach(async () => {
  all = await SeveralValidators.open([30n, 30n, 20n, 20n]);
  for (const tab of [1, 2, 3, 4]) await all.peers[tab % 4]?.work.accept(tab, 1_000n);
  await all.until(2);
});
afterEach(() => all.close());

const nodes = (): Spending[] => all.peers.map(({ store }) => new Spending({ store, subnet: SUBNET }));

/** Has an action done by one of the nodes, as soon as nothing is being settled. */
async function act(by: Account, action: Action, node = 0): Promise<OperationDone> {
  const spending = nodes()[node];
  if (spending === undefined) throw new RangeError(`no node ${node}`);
  const { nextNonce } = await spending.account(by.id);
  for (let tries = 0; tries < 100; tries++) {
    const done: Outcome<OperationDone, OperationRefusal> = await spending.submit(
      signed(by, nextNonce, action),
    );
    if (done.ok) return done.value;
    if (done.code !== 'SETTLING') throw new Error(`${done.code}: ${done.message}`);
    await all.step();
  }
  throw new Error('it is being settled for ever');
}

const spendable = async ({ id }: Account): Promise<bigint> =>
  (await readSpendable(all.store.db)).get(id)?.spendable ?? 0n;

/** Whether an epoch is closed, some time after it could have been sealed, proposed, refused and mended. */
async function closes(epoch: number): Promise<boolean> {
  for (let i = 0; i < 30 && (await all.closed()) < epoch; i++) await all.step(150);
  return (await all.closed()) >= epoch;
}

describe('spending, where several validators settle', () => {
  it('is the same by whichever node, and every header says what everybody owns', async () => {
    const paid = await spendable(first);
    expect(paid).toBeGreaterThan(100n * M);
    await act(first, transfer(bob, 9n * M), 1);
    const { epoch } = await act(first, hold(second, 8n * M, (await all.closed()) + 9), 2);
    await act(first, hold(second, 7n * M, (await all.closed()) + 1), 3);
    expect(await closes(epoch + 1)).toBe(true);
    await act(second, pay(holdNameOf(first, 2), [bob, 5n * M]), 3);
    await act(bob, transfer(mallory, 14n * M), 0);
    expect(await closes((await all.closed()) + 2)).toBe(true);
    expect(await Promise.all([bob, mallory].map(spendable))).toEqual([0n, 14n * M]);
    const rows = await all.store.db
      .selectFrom('epochs')
      .select('payload')
      .where('payload', 'is not', null)
      .execute();
    for (const { payload } of rows) {
      const header = readEpoch(payload ?? new Uint8Array());
      expect(header.ok && header.value.balances.sum === header.value.totalIssued).toBe(true);
    }
    expect(await auditOf(all.store)).toMatchObject({ ok: true });
  });
});

describe('a validator that writes what nobody signed', { timeout: 60_000 }, () => {
  /** Moves credits from one account to another in the tables. */
  const move = async (from: Account, to: Account, amount: bigint): Promise<void> => {
    for (const [who, by] of [
      [from, -amount],
      [to, amount],
    ] as const) {
      const after = ((await spendable(who)) + by).toString();
      await all.store.db
        .insertInto('balances')
        .values({ account: who.id, amount: after })
        .onConflict((oc) => oc.column('account').doUpdateSet({ amount: after }))
        .execute();
    }
  };
  const insert = async (
    epoch: number,
    by: Account,
    nonce: number,
    action: Action,
    key = by,
  ): Promise<void> => {
    const operation = { ...signed(by, nonce, action), signature: signed(key, nonce, action).signature };
    await all.store.db
      .insertInto('operations')
      .values({ ...operation, epoch, account: by.id, nonce, hash: operationHash(operation) })
      .execute();
  };
  const openEpoch = async (): Promise<number> => (await all.closed()) + 1;

  it('has no other signature under it: a transfer in the name of another', async () => {
    const epoch = await openEpoch();
    await insert(epoch, first, 1, transfer(mallory, 9n * M), mallory);
    await move(first, mallory, 9n * M);
    expect(await closes(epoch)).toBe(false);
    // Once it is taken out again they go on.
    await all.store.db.deleteFrom('operations').where('account', '=', first.id).execute();
    await move(mallory, first, 9n * M);
    expect(await closes(epoch + 1)).toBe(true);
    expect(await auditOf(all.store)).toMatchObject({ ok: true });
  });

  it('nor: a balance that came from nowhere, or from another', async () => {
    const epoch = await openEpoch();
    await move(first, mallory, 9n * M);
    expect(await closes(epoch)).toBe(false);
    await move(mallory, first, 9n * M);
    expect(await closes(epoch)).toBe(true);
    await all.store.db
      .updateTable('balances')
      .set({ amount: `${9n * M}` })
      .where('account', '=', mallory.id)
      .execute();
    expect(await closes(epoch + 1)).toBe(false);
  });

  it('nor: an operation that was done in an epoch before, and is to be done again', async () => {
    const { epoch } = await act(first, transfer(mallory, 9n * M));
    expect(await closes(epoch)).toBe(true);
    await all.store.db
      .updateTable('operations')
      .set({ epoch: epoch + 1 })
      .execute();
    await move(first, mallory, 9n * M);
    expect(await closes(epoch + 1)).toBe(false);
  });

  it('nor: a hold that ends at another time, or is for another payee', async () => {
    const { epoch } = await act(first, hold(second, 9n * M, 99));
    expect(await closes(epoch)).toBe(true);
    const name = hexToBytes(holdNameOf(first, 1));
    const set = (change: object) =>
      all.store.db.updateTable('holds').set(change).where('hold', '=', name).execute();
    await set({ expires_epoch: epoch + 1 });
    expect(await closes(epoch + 1)).toBe(false);
    await set({ expires_epoch: 99 });
    expect(await closes(epoch + 1)).toBe(true);
    await set({ payee: mallory.id });
    const paid = await nodes()[0]?.submit(signed(mallory, 1, pay(holdNameOf(first, 1), [mallory, 9n * M])));
    expect(paid).toMatchObject({ ok: true });
    expect(await closes(epoch + 2)).toBe(false);
  });
});
