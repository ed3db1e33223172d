import { describe, expect, it } from 'vitest';
import { accountOf, OWNER, peerOf } from '../testing/ledger.ts';
import { differenceAfter, type Tampering } from '../testing/tampering.ts';

/** Of what a node keeps beside its ledger. */
const DERIVED: Tampering[] = [
  [
    'a raised balance',
    ({ store }) =>
      store.db.updateTable('balances').set({ amount: '999' }).where('account', '=', OWNER).execute(),
    new RegExp(`balances: ${OWNER}: 999 stored, \\d+ by the ledger`),
  ],
  [
    'a leaf that proves more than there is',
    ({ store }) =>
      store.db.updateTable('holdings').set({ escrow: '999' }).where('account', '=', OWNER).execute(),
    new RegExp(`leaves of the tree of balances: ${OWNER}: \\d+ \\+ 999 \\+ 0 stored, `),
  ],
  [
    'another beacon',
    ({ store }) =>
      store.db
        .updateTable('epochs')
        .set({ beacon: new Uint8Array(32) })
        .where('epoch', '=', 0)
        .execute(),
    /epoch 0: the stored beacon/,
  ],
  [
    'slots that nobody counted',
    ({ store }) => store.db.updateTable('epochs').set({ slots: 9 }).where('epoch', '=', 1).execute(),
    /epoch 1: 9 slots stored, 1 in the header/,
  ],
  [
    'another settler',
    ({ store }) => store.db.updateTable('epochs').set({ settler: 'me' }).where('epoch', '=', 1).execute(),
    /epoch 1: the stored settler/,
  ],
  [
    'work that is said to be paid for',
    ({ store }) =>
      store.db.updateTable('meta').set({ value: '9' }).where('key', '=', 'settled_through').execute(),
    /epoch 9 is stored as the last one paid for, 1 is/,
  ],
  [
    'bonds that no block gave',
    ({ store }) =>
      store.db
        .insertInto('consensus_states')
        .values({ mechanism: 'hash', epoch: 0, payload: Uint8Array.of(1) })
        .execute(),
    /bonds: hash: 01 stored, nothing by the ledger/,
  ],
  [
    'units counted across epochs in another order',
    async (it) => {
      await it.accept(1, 10n);
      await it.store.db.updateTable('receipts').set({ kind_index: 0 }).where('epoch', '=', 0).execute();
      await it.store.db.updateTable('receipts').set({ kind_index: 1 }).where('epoch', '=', 2).execute();
      await it.store.db.updateTable('receipts').set({ kind_index: 2 }).where('epoch', '=', 0).execute();
    },
    /it is unit 2 of its peer, and the unit before it is of a later epoch/,
  ],
  [
    'a receipt row with more work than was signed',
    ({ store }) => store.db.updateTable('receipts').set({ work: '77' }).execute(),
    /epoch 0, receipt of .*does not say what its validator signed/,
  ],
  [
    'a unit that was counted twice',
    ({ store }) => store.db.updateTable('receipts').set({ kind_index: 2 }).execute(),
    /it is unit 1 of its peer, the row says 2/,
  ],
  [
    "a settlement in another's favour",
    ({ store }) =>
      store.db.updateTable('settlements').set({ amount: '1' }).where('account', '=', accountOf(1)).execute(),
    /epoch 0, settlement: hash escrow .*: 1 stored/,
  ],
  [
    'a lot that was made larger',
    ({ store }) => store.db.updateTable('lots').set({ amount: '999' }).execute(),
    /lots in escrow: 0 hash .*: 999 up to 1 stored/,
  ],
  [
    'a total that was raised',
    ({ store }) => store.db.updateTable('meta').set({ value: '1' }).where('key', '=', 'issued').execute(),
    /1 base units stored as issued/,
  ],
  [
    'pending work that nobody did',
    async (it) => {
      await it.accept(1, 10n);
      await it.store.db.updateTable('epoch_work').set({ work: '11' }).execute();
    },
    /pending work of the open epoch: hash .*: 11 stored, 10 by the ledger/,
  ],
  [
    'an accepted unit without receipt',
    async (it) => {
      const names = { task_id: new Uint8Array(32).fill(9), validator: it.base.validator, kind: 'hash' };
      const never = { hash_rate: 1, issued_at_ms: 0, deadline_at_ms: 0, state: 'accepted' as const };
      await it.store.db
        .insertInto('tasks')
        .values({ ...names, ...never, peer: await peerOf(1), epoch: 0, seq: 1 })
        .execute();
    },
    /task 0909.* was accepted and has no receipt/,
  ],
  [
    'a penalty that was invented',
    async (it) => {
      await it.punish(1);
      await it.store.db.updateTable('tasks').set({ state: 'expired' }).execute();
      await it.closeEpoch();
    },
    /is punished for .*, which no audit refused/,
  ],
];

describe('an audit of what a node keeps beside its ledger', () => {
  it.each(DERIVED)('finds %s', async (_, tamper, difference) => {
    expect(await differenceAfter(tamper)).toMatch(difference);
  });
});
