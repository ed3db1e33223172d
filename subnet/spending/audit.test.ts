import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hexToBytes } from '../../protocol/bytes.ts';
import type { Tx } from '../store/store.ts';
import {
  act,
  hold,
  holdNameOf,
  M,
  openTestSpending,
  partyOf,
  pay,
  signed,
  transfer,
  VALIDATOR,
  type TestSpending,
} from '../testing/spending.ts';

const [bob, carol] = [partyOf(2), partyOf(3)];
const paidLater = holdNameOf(VALIDATOR, 4);

/** Transfers, a hold that is paid, one that goes back, and one that is open; over three closed epochs and the open one. */
let it0: TestSpending;
beforeEach(async () => {
  it0 = await openTestSpending();
  await act(it0, VALIDATOR, transfer(bob, 9n * M));
  await act(it0, VALIDATOR, hold(bob, 8n * M, 9));
  await act(it0, VALIDATOR, hold(bob, 7n * M, 2));
  await it0.ledger.closeEpoch();
  await act(it0, bob, pay(holdNameOf(VALIDATOR, 2), [carol, 5n * M]));
  await it0.working.accept(1, 10n);
  await it0.ledger.recordSlot();
  await it0.ledger.closeEpoch();
  await act(it0, VALIDATOR, hold(bob, 6n * M, 9));
  await act(it0, carol, transfer(bob, M));
});
afterEach(() => it0.close());

const problem = async (): Promise<string | null> => {
  const audited = await it0.working.audit();
  return audited.ok ? null : audited.message;
};

describe('an audit', () => {
  it('does operations again, of closed epochs and of the open one', async () => {
    expect(await problem()).toBeNull();
    await it0.ledger.closeEpoch();
    expect(await problem()).toBeNull();
    await act(it0, bob, pay(paidLater, [bob, 6n * M]));
    expect(await problem()).toBeNull();
  });

  it.each<[string, (tx: Tx) => Promise<unknown>, RegExp]>([
    [
      'an operation that nobody signed',
      (tx) =>
        tx
          .updateTable('operations')
          .set({ signature: new Uint8Array(64) })
          .where('account', '=', carol.id)
          .execute(),
      /^operation 2 of epoch 3: .*\(BAD_SIGNATURE\)$/,
    ],
    [
      'an operation of another number',
      (tx) =>
        tx
          .updateTable('operations')
          .set(signed(carol, 2, transfer(bob, M)))
          .where('account', '=', carol.id)
          .execute(),
      /^operation 2 of epoch 3: .*\(NONCE_AHEAD\)$/,
    ],
    [
      'an operation that the account could not afford',
      (tx) =>
        tx
          .updateTable('operations')
          .set(signed(carol, 1, transfer(bob, 6n * M)))
          .where('account', '=', carol.id)
          .execute(),
      /^operation 2 of epoch 3: .*\(INSUFFICIENT\)$/,
    ],
    [
      'an operation that is gone, of an epoch that is closed',
      (tx) => tx.deleteFrom('operations').where('account', '=', bob.id).execute(),
      /^epoch 2: the operations differ/,
    ],
    [
      'an operation that is gone, of the open epoch',
      (tx) => tx.deleteFrom('operations').where('account', '=', carol.id).execute(),
      /^balances: /,
    ],
    [
      'a balance that is another',
      (tx) => tx.updateTable('balances').set({ amount: '1' }).where('account', '=', carol.id).execute(),
      new RegExp(`^balances: ${carol.id}: 1 stored, ${4n * M} by the ledger$`),
    ],
    [
      'a hold for another payee',
      (tx) =>
        tx.updateTable('holds').set({ payee: carol.id }).where('hold', '=', hexToBytes(paidLater)).execute(),
      new RegExp(`^open holds: ${paidLater}: .* for ${carol.id} until 9 stored`),
    ],
    [
      'a hold that went back before its time',
      (tx) =>
        tx
          .updateTable('holds')
          .set({ ended_epoch: 3, paid: '0' })
          .where('hold', '=', hexToBytes(paidLater))
          .execute(),
      /^holds: /,
    ],
  ])('finds %s', async (_, change, message) => {
    await it0.store.write(change);
    expect(await problem()).toMatch(message);
  });
});
