import { describe, expect, it } from 'vitest';
import { openReceipt, signReceipt } from '../../protocol/receipt.ts';
import { signValidatorSet } from '../../protocol/validators.ts';
import { TRUST_POLICY } from '../config.ts';
import { accountOf, peerOf, SUBNET, VALIDATOR_ACCOUNT } from '../testing/ledger.ts';
import { differenceAfter, type Tampering } from '../testing/tampering.ts';

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
    'an audit key that was taken back',
    async (it) => {
      await it.closeEpoch(TRUST_POLICY.vestingEpochs);
      await it.store.db.updateTable('audit_keys').set({ audit_key: null }).where('epoch', '=', 0).execute();
    },
    /epoch 20: the audit key of epoch 0 is not revealed/,
  ],
  [
    'a ledger that nobody validates',
    ({ store }) => store.db.deleteFrom('validator_sets').execute(),
    /epoch 0: nobody validates in it/,
  ],
  [
    'a validator set of another epoch',
    async ({ store, base }) => {
      const seats = [{ validator: base.validator, stake: 1n, account: VALIDATOR_ACCOUNT }];
      const other = signValidatorSet({ subnet: SUBNET, fromEpoch: 7, seats }, new Uint8Array(32).fill(100));
      await store.db.updateTable('validator_sets').set(other).execute();
    },
    /epoch 0: the validator set is that of another epoch/,
  ],
  [
    'a header that is gone from the middle',
    ({ store }) =>
      store.db.updateTable('epochs').set({ payload: null, signature: null }).where('epoch', '=', 0).execute(),
    /epoch 1: it is closed, though one before it is not/,
  ],
  [
    'a lot that was released instead of burnt',
    async (it) => {
      await it.punish(1);
      await it.closeEpoch();
      await it.store.db.updateTable('lots').set({ ended_as: 'release' }).execute();
    },
    /epoch 2: the lot of .* is released though .* failed/,
  ],
  [
    'an operation that nobody signed',
    ({ store }) =>
      store.db
        .insertInto('operations')
        .values({
          epoch: 2,
          account: accountOf(1),
          nonce: 1,
          hash: new Uint8Array(32),
          payload: Uint8Array.of(1),
          signature: new Uint8Array(64),
        })
        .execute(),
    /operation 1 of epoch 2/,
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

describe('an audit of exported rows', () => {
  it.each(SIGNED)('finds %s', async (_, tamper, difference) => {
    expect(await differenceAfter(tamper)).toMatch(difference);
  });
});
