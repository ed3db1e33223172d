import * as v from 'valibot';
import { sha256 } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { fail, ok, type Outcome } from './outcome.ts';
import { bytes, hash32, measure, peerId, signature64, text, uint, uint64 } from './schema.ts';
import { publicKeyOfPeer, sign, verify, type Signer, type Verifier } from './sign.ts';

/** The validator's signed word that a unit was verified and counts for an account. Work is in the unit of its kind. */
export const receiptSchema = v.strictObject({
  subnet: hash32,
  validator: peerId,
  epoch: uint(),
  taskId: hash32,
  kind: text,
  peer: peerId,
  /** Ed25519 public key of the account that is paid. */
  account: hash32,
  work: uint64,
  digest: hash32,
  audit: v.strictObject({
    /** P of the audit coin: drawn if HMAC(K_e, taskId ‖ digest) < P, both 256-bit big-endian. */
    threshold: hash32,
    /** sha256 of the epoch's audit key, published when the epoch began. */
    commitment: hash32,
    drawn: v.boolean(),
  }),
  /** Milliseconds since 1970, by the validator's clock; for people, nothing is decided on it. */
  issuedAtMs: measure,
});
export type Receipt = v.InferOutput<typeof receiptSchema>;

/** A receipt as it travels: `payload` is the dag-cbor of a Receipt (at most 1 KiB), signed by its validator. */
export const signedReceiptSchema = v.strictObject({ payload: bytes(1, 1024), signature: signature64 });
export type SignedReceipt = v.InferOutput<typeof signedReceiptSchema>;

export function signReceipt(receipt: Receipt, validator: Uint8Array | Signer): SignedReceipt {
  const payload = encodeCbor(receipt);
  return { payload, signature: sign('gridtab/receipt/1', payload, validator) };
}

/** 32 bytes that name a receipt in an epoch. */
export const receiptHash = (signed: SignedReceipt): Uint8Array => sha256(signed.payload);

/** What a receipt says, whoever signed it: for a validator's own, and after `openReceipt`. */
export function readReceipt(payload: Uint8Array): Outcome<Receipt, 'MALFORMED'> {
  const decoded = decodeCbor(payload);
  if (!decoded.ok) return decoded;
  const parsed = v.safeParse(receiptSchema, decoded.value);
  return parsed.success ? ok(parsed.output) : fail('MALFORMED', v.summarize(parsed.issues));
}

/** Reads a receipt and checks that the validator it names signed it. */
export function openReceipt(
  signed: SignedReceipt,
  verifier?: Verifier,
): Outcome<Receipt, 'MALFORMED' | 'BAD_SIGNATURE'> {
  const read = readReceipt(signed.payload);
  if (!read.ok) return read;
  const publicKey = publicKeyOfPeer(read.value.validator);
  if (
    publicKey === null ||
    !verify('gridtab/receipt/1', signed.payload, signed.signature, publicKey, verifier)
  ) {
    return fail('BAD_SIGNATURE', 'the receipt is not signed by the validator it names');
  }
  return read;
}
