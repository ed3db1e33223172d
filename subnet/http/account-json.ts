import * as v from 'valibot';
import { toHex } from '../../protocol/bytes.ts';
import type { AccountId } from '../../protocol/ids.ts';
import {
  operationHash,
  readOperation,
  signedOperationSchema,
  type Action,
} from '../../protocol/operation.ts';
import { hex, uint } from '../../protocol/schema.ts';
import type { AccountView, HoldView, LoggedOperation } from '../spending/queries.ts';
import type { OperationDone } from '../spending/submit.ts';
import { base64, toBase64 } from './base64.ts';

/** How accounts and operations look as JSON, for both ends: amounts are base units in decimal text, bytes base64, names hex. */

const amountText = v.pipe(
  v.string(),
  v.regex(/^\d{1,20}$/, 'expected base units'),
  v.transform((text) => BigInt(text)),
);
const account = v.pipe(
  hex(32),
  v.transform((id) => id as AccountId),
);

/** Body of POST /api/operations, where it is JSON. */
export const operationRequestSchema = v.pipe(
  v.strictObject({ payload: base64, signature: base64 }),
  signedOperationSchema,
);

/** Answer to POST /api/operations. */
export const operationDoneSchema: v.GenericSchema<unknown, OperationDone> = v.strictObject({
  account,
  nonce: uint(),
  hash: hex(32),
  epoch: uint(),
  hold: v.nullable(hex(32)),
});

const holdSchema = v.strictObject({
  hold: hex(32),
  account,
  payee: account,
  amount: amountText,
  openedEpoch: uint(),
  expiresEpoch: uint(),
});

/** Answer to GET /api/accounts/:account; gives an AccountView back. */
export const accountViewSchema = v.strictObject({
  account,
  spendable: amountText,
  escrow: amountText,
  onHold: amountText,
  nextNonce: uint(),
  epoch: uint(),
  settling: v.boolean(),
  holds: v.array(holdSchema),
  payable: v.array(holdSchema),
});

export const accountToJson = ({
  spendable,
  escrow,
  onHold,
  holds,
  payable,
  ...rest
}: AccountView): unknown => ({
  ...rest,
  spendable: spendable.toString(),
  escrow: escrow.toString(),
  onHold: onHold.toString(),
  holds: holds.map(holdToJson),
  payable: payable.map(holdToJson),
});

const holdToJson = ({ amount, ended: _open, ...hold }: HoldView) => ({ ...hold, amount: amount.toString() });

/** An operation as it is signed, and what it says, for people. */
export function operationToJson({ id, epoch, payload, signature }: LoggedOperation): unknown {
  const signed = {
    id,
    epoch,
    hash: toHex(operationHash({ payload })),
    payload: toBase64(payload),
    signature: toBase64(signature),
  };
  const read = readOperation(payload);
  if (!read.ok) throw new Error(`operation ${id} of the ledger cannot be read: ${read.message}`);
  const { account, nonce, notAfterEpoch, action } = read.value;
  return { ...signed, account: toHex(account), nonce, notAfterEpoch, action: actionToJson(action) };
}

function actionToJson(action: Action): object {
  switch (action.type) {
    case 'transfer':
      return { ...action, to: toHex(action.to), amount: action.amount.toString() };
    case 'hold':
      return { ...action, payee: toHex(action.payee), amount: action.amount.toString() };
    case 'pay': {
      const to = action.to.map(({ account, amount }) => ({
        account: toHex(account),
        amount: amount.toString(),
      }));
      return { ...action, hold: toHex(action.hold), to };
    }
  }
}
