import * as v from 'valibot';
import { sha256, toHex } from './bytes.ts';
import { decodeCbor, encodeCbor, hashCbor } from './cbor.ts';
import { MAX_OPERATION_BYTES, MAX_PAYMENTS } from './limits.ts';
import { fail, ok, type Outcome } from './outcome.ts';
import { bytes, hash32, signature64, uint, uint64 } from './schema.ts';
import { sign, verify, type Signer, type Verifier } from './sign.ts';

/** Base units to an account, as `pay` names them. */
export const paymentSchema = v.strictObject({ account: hash32, amount: uint64 });
export type Payment = v.InferOutput<typeof paymentSchema>;

/** Payments in ascending order of account, each account once: one payment has one encoding. */
const paymentsSchema = v.pipe(
  v.array(paymentSchema),
  v.maxLength(MAX_PAYMENTS),
  v.check((payments) => {
    const accounts = payments.map(({ account }) => toHex(account));
    return accounts.every((account, i) => i === 0 || (accounts[i - 1] ?? '') < account);
  }, 'expected accounts in ascending order, each once'),
);

/** What is done; amounts in base units. What each of them needs is in spending.ts. */
export const actionSchema = v.variant('type', [
  v.strictObject({ type: v.literal('transfer'), to: hash32, amount: uint64 }),
  /** Sets credits aside for a payee, until the close of `expiresEpoch`. Its name is `holdName`. */
  v.strictObject({ type: v.literal('hold'), payee: hash32, amount: uint64, expiresEpoch: uint() }),
  /** The payee's word on a hold, which ends it: who gets how much of it. The rest goes back; no payments give all of it back. */
  v.strictObject({ type: v.literal('pay'), hold: hash32, to: paymentsSchema }),
]);
export type Action = v.InferOutput<typeof actionSchema>;

/** What an account has done with its credits, by its own word. */
export const operationSchema = v.strictObject({
  subnet: hash32,
  /** Ed25519 public key of the account that signs. */
  account: hash32,
  /** Counts the account's operations from 1: each is done once, in order. */
  nonce: v.pipe(uint(), v.minValue(1)),
  /** The last epoch in which it may be done, so that nobody digs it out much later. */
  notAfterEpoch: uint(),
  action: actionSchema,
});
export type Operation = v.InferOutput<typeof operationSchema>;

/** An operation as it travels: `payload` is its dag-cbor. */
export const signedOperationSchema = v.strictObject({
  payload: bytes(1, MAX_OPERATION_BYTES),
  signature: signature64,
});
export type SignedOperation = v.InferOutput<typeof signedOperationSchema>;

/** Signs with the account's seed. Payments may come in any order. Throws TypeError on what is no operation at all: a bug. */
export function signOperation(operation: Operation, account: Uint8Array | Signer): SignedOperation {
  const checked = v.safeParse(operationSchema, { ...operation, action: ordered(operation.action) });
  if (!checked.success) throw new TypeError(`no operation: ${v.summarize(checked.issues)}`);
  const payload = encodeCbor(checked.output);
  return { payload, signature: sign('gridtab/operation/1', payload, account) };
}

const ordered = (action: Action): Action =>
  action.type === 'pay'
    ? { ...action, to: action.to.toSorted((a, b) => (toHex(a.account) < toHex(b.account) ? -1 : 1)) }
    : action;

/** 32 bytes that name an operation, whatever its signature. */
export const operationHash = ({ payload }: { payload: Uint8Array }): Uint8Array => sha256(payload);

/** 32 bytes that name the hold which an operation opens: no two operations have the same, and nobody chooses it. */
export const holdName = ({
  subnet,
  account,
  nonce,
}: Pick<Operation, 'subnet' | 'account' | 'nonce'>): Uint8Array =>
  hashCbor({ domain: 'gridtab/hold/1', subnet, account, nonce });

/** What an operation says, whoever signed it. */
export function readOperation(payload: Uint8Array): Outcome<Operation, 'MALFORMED'> {
  if (payload.length > MAX_OPERATION_BYTES)
    return fail('MALFORMED', `The operation is larger than ${MAX_OPERATION_BYTES} bytes.`);
  const decoded = decodeCbor(payload);
  if (!decoded.ok) return decoded;
  const parsed = v.safeParse(operationSchema, decoded.value, { abortEarly: true });
  if (parsed.success) return ok(parsed.output);
  const [issue] = parsed.issues;
  return fail('MALFORMED', `${v.getDotPath(issue) ?? 'operation'}: ${issue.message}`.slice(0, 300));
}

/** Reads an operation and checks that the account it names signed it. */
export function openOperation(
  signed: SignedOperation,
  verifier?: Verifier,
): Outcome<Operation, 'MALFORMED' | 'BAD_SIGNATURE'> {
  const read = readOperation(signed.payload);
  if (!read.ok) return read;
  if (!verify('gridtab/operation/1', signed.payload, signed.signature, read.value.account, verifier))
    return fail('BAD_SIGNATURE', 'The operation is not signed by the account it names.');
  return read;
}
