import { afterEach, describe, expect, it } from 'vitest';
import { openReceipt, signReceipt } from '../../protocol/receipt.ts';
import { signValidatorSet } from '../../protocol/validators.ts';
import { accountOf, OWNER, peerOf, SUBNET, VALIDATOR_ACCOUNT } from '../testing/ledger.ts';
import { WorkingLedger } from '../testing/working-ledger.ts';

let open: WorkingLedger[] = [];
afterEach(async () => {
  await Promise.all(open.map((ledger) => ledger.close()));
  open = [];
});

type Tampering = [what: string, tamper: (it: WorkingLedger) => Promise<unknown>, difference: RegExp];

/** Of rows that are in an export. */
const SIGNED: Tampering[] = [
  [
    'a receipt by a stranger',
    async (it) => {
      const { receipts } = await it.ledger.receipts(accountOf(1), 0, 1);
      const opened = receipts[0] === undefined ? null : openReceipt(receipts[0]);
      if (opened?.ok !== true) throw new Error('expected a receipt');
      const stranger = { ...opened.value, validator: await peerOf(50) };
      const forged = signReceipt(stranger, new Uint8Array(32).fill(50));
      await it.store.db.updateTable('receipts').set(forged).execute();
    },
    /epoch 0, receipt of .*has no seat/,
  ],
  [
    'a forged signature of a receipt',
    ({ store }) =>
      store.db
        .updateTable('receipts')
        .set({ signature: new Uint8Array(64) })
        .execute(),
    /epoch 0, receipt 1: .*not signed/,
  ],
  [
    'a receipt that is gone',
    ({ store }) => store.db.deleteFrom('receipts').where('kind', '=', 'hash').execute(),
    /epoch 0: the receipts differ from the header: 0 by the rows, 1 in the header/,
  ],
  [
    'a score in favour of a friend',
    ({ store }) => store.db.updateTable('weights').set({ weight: '1' }).execute(),
    /epoch 0: the scores differ from the header/,
  ],
  [
    'a lot released before it is due',
    ({ store }) => store.db.updateTable('lots').set({ ended_epoch: 1, ended_as: 'release' }).execute(),
    /epoch 1: the lot of .* is released before it is due/,
  ],
  [
    'a lot released before it was made',
    ({ store }) => store.db.updateTable('lots').set({ ended_epoch: 0, ended_as: 'release' }).execute(),
    /epoch 0: the lot of .* is released and was never held/,
  ],
  [
    'a penalty that is gone',
    async (it) => {
      await it.punish(1);
      await it.closeEpoch();
      await it.store.db.deleteFrom('penalties').execute();
    },
    /epoch 2: the proven failures differ from the header/,
  ],
  [
    'a header by another validator',
    ({ store }) =>
      store.db
        .updateTable('epochs')
        .set({ signature: new Uint8Array(64) })
        .where('epoch', '=', 1)
        .execute(),
    /epoch 1: the header is not signed by the validator it names/,
  ],
  [
    'a header without countersignatures',
    ({ store }) => store.db.deleteFrom('header_signatures').where('epoch', '=', 1).execute(),
    /epoch 1: .*not countersigned by validators with more than half of the stake/,
  ],
  [
    'a countersignature that does not fit',
    ({ store }) =>
      store.db
        .updateTable('header_signatures')
        .set({ signature: new Uint8Array(64) })
        .where('epoch', '=', 1)
        .execute(),
    /epoch 1: .*not countersigned/,
  ],
  [
    'an epoch that is gone',
    ({ store }) => store.db.deleteFrom('epochs').where('epoch', '=', 1).execute(),
    /epoch 2: expected epoch 1/,
  ],
  [
    'a validator set that the owner did not sign',
    async ({ store, base }) => {
      const seats = [{ validator: base.validator, stake: 1n, account: VALIDATOR_ACCOUNT }];
      const forged = signValidatorSet({ subnet: SUBNET, fromEpoch: 0, seats }, new Uint8Array(32).fill(50));
      await store.db.updateTable('validator_sets').set(forged).execute();
    },
    /epoch 0: the validator set is not signed by the owner/,
  ],
  [
    'a validator set that was put under the ledger later',
    async ({ store, base }) => {
      const seats = [{ validator: base.validator, stake: 2n, account: VALIDATOR_ACCOUNT }];
      const forged = signValidatorSet({ subnet: SUBNET, fromEpoch: 0, seats }, new Uint8Array(32).fill(100));
      await store.db.updateTable('validator_sets').set(forged).execute();
    },
    /epoch 0: the validator set differs from the header/,
  ],
  [
    'a policy that is gone',
    ({ store }) => store.db.deleteFrom('policies').execute(),
    /epoch 0: the policy that its header names is not there/,
  ],
  [
    'an audit key that another put there',
    ({ store }) =>
      store.db
        .updateTable('audit_keys')
        .set({ commitment: new Uint8Array(32) })
        .where('epoch', '=', 1)
        .execute(),
    /epoch 1, audit key of .*not signed by its validator/,
  ],
  [
    'an audit key that is not the one committed to',
    ({ store }) =>
      store.db
        .updateTable('audit_keys')
        .set({ audit_key: new Uint8Array(32), published_epoch: 1 })
        .where('epoch', '=', 0)
        .execute(),
    /epoch 0, audit key of .*: the key that was revealed is not the one/,
  ],
];

/** Of what a node keeps beside its ledger. */
const DERIVED: Tampering[] = [
  [
    'a raised balance',
    ({ store }) =>
      store.db.updateTable('balances').set({ amount: '999' }).where('account', '=', OWNER).execute(),
    new RegExp(`balances: ${OWNER}: 999 stored, \\d+ by the ledger`),
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

describe.each([
  ['what is exported', SIGNED],
  ['what follows from it', DERIVED],
])('an audit of %s', (_, tamperings) => {
  it.each(tamperings)('finds %s', async (_what, tamper, difference) => {
    const it = await WorkingLedger.open();
    open.push(it);
    await it.accept(1, 10n);
    await it.closeEpoch(2);
    expect(await it.audit()).toMatchObject({ ok: true });
    await tamper(it);
    const found = await it.audit();
    expect(found).toMatchObject({ ok: false, code: 'DIFFERENCE' });
    expect(found.ok ? '' : found.message).toMatch(difference);
  });
});
