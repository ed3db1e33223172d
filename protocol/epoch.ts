import * as v from 'valibot';
import { sha256 } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import type { PeerId } from './ids.ts';
import { sumNodeSchema } from './merkle.ts';
import { fail, ok, type Outcome } from './outcome.ts';
import { bytes, hash32, measure, peerId, signature64, uint, uint64 } from './schema.ts';
import { publicKeyOfPeer, sign, verify, type Signer, type Verifier } from './sign.ts';
import { isQuorum, MAX_SEATS, type Seat } from './validators.ts';

/**
 * A closed epoch. Headers are chained by hash; amounts are base units. Digests are sha256 of the dag-cbor of rows in ascending
 * order; which rows is in subnet/ledger/digests.ts.
 */
export const epochHeaderSchema = v.strictObject({
  subnet: hash32,
  /** The validator that settled it. */
  validator: peerId,
  epoch: uint(),
  /** `epochHash` of the header before, or 32 zero bytes for the first. */
  previous: hash32,
  beacon: hash32,
  /** sha256 of the validator set in force and of the policy. */
  validatorsDigest: hash32,
  policyDigest: hash32,
  /** Commitments of this epoch's audit keys, and the keys of an epoch whose work has all vested or lapsed. */
  auditKeysDigest: hash32,
  /** Merkle root over the epoch's receipts in ascending order of hash; its sum counts them. */
  receipts: sumNodeSchema,
  /** Scores by what the receipts say, which votes are held against. */
  weightsDigest: hash32,
  /** The votes that this epoch revealed, and what became of each. */
  votesDigest: hash32,
  /** Bonds after this epoch. */
  statesDigest: hash32,
  penaltiesDigest: hash32,
  /** Transfers and holds. */
  operationsDigest: hash32,
  settlementDigest: hash32,
  /** Merkle-sum root over what every account owns: its sum is `totalIssued`. */
  balances: sumNodeSchema,
  /** 12 s slots in which a validator that settles was up. */
  slots: uint(),
  /** Issued by this epoch, and by all epochs up to and with it. */
  issued: uint64,
  totalIssued: uint64,
  /** Milliseconds since 1970, by the settling validator's clock; for people, nothing is decided on it. */
  closedAtMs: measure,
});
export type EpochHeader = v.InferOutput<typeof epochHeaderSchema>;

/** A header as it travels, with the signature of whoever settled it. */
export const signedEpochSchema = v.strictObject({ payload: bytes(1, 2048), signature: signature64 });
export type SignedEpoch = v.InferOutput<typeof signedEpochSchema>;

/** A validator's signature under a header. */
export const countersignatureSchema = v.strictObject({ validator: peerId, signature: signature64 });
export type Countersignature = v.InferOutput<typeof countersignatureSchema>;
export const countersignaturesSchema = v.pipe(v.array(countersignatureSchema), v.maxLength(MAX_SEATS));

/** A header with those who signed it: what a tab accepts once more than half of the stake is among them. */
export const countersignedEpochSchema = v.strictObject({
  ...signedEpochSchema.entries,
  countersignatures: countersignaturesSchema,
});
export type CountersignedEpoch = v.InferOutput<typeof countersignedEpochSchema>;

/** Signs the bytes of a header: whoever settles and whoever countersigns sign the same. */
export const signHeader = (payload: Uint8Array, validator: Uint8Array | Signer): Uint8Array =>
  sign('gridtab/epoch/2', payload, validator);

export function signEpoch(header: EpochHeader, validator: Uint8Array | Signer): SignedEpoch {
  const payload = encodeCbor(header);
  return { payload, signature: signHeader(payload, validator) };
}

export const epochHash = ({ payload }: { payload: Uint8Array }): Uint8Array => sha256(payload);

export function isSignedBy(
  payload: Uint8Array,
  signature: Uint8Array,
  validator: PeerId,
  by?: Verifier,
): boolean {
  const publicKey = publicKeyOfPeer(validator);
  return publicKey !== null && verify('gridtab/epoch/2', payload, signature, publicKey, by);
}

/** What a header says, whoever signed it. */
export function readEpoch(payload: Uint8Array): Outcome<EpochHeader, 'MALFORMED'> {
  const decoded = decodeCbor(payload);
  if (!decoded.ok) return decoded;
  const parsed = v.safeParse(epochHeaderSchema, decoded.value);
  return parsed.success ? ok(parsed.output) : fail('MALFORMED', v.summarize(parsed.issues));
}

/** Reads a header and checks that the validator it names signed it. */
export function openEpoch(
  signed: SignedEpoch,
  by?: Verifier,
): Outcome<EpochHeader, 'MALFORMED' | 'BAD_SIGNATURE'> {
  const read = readEpoch(signed.payload);
  if (!read.ok) return read;
  if (!isSignedBy(signed.payload, signed.signature, read.value.validator, by))
    return fail('BAD_SIGNATURE', 'the header is not signed by the validator it names');
  return read;
}

/** Those of `signatures` that fit and are by validators with a seat, each validator once. */
export function signersOf(
  payload: Uint8Array,
  signatures: readonly Countersignature[],
  seats: readonly Seat[],
): Set<string> {
  const known = new Set<string>(seats.map(({ validator }) => validator));
  const signers = new Set<string>();
  for (const { validator, signature } of signatures) {
    if (!known.has(validator) || signers.has(validator)) continue;
    if (isSignedBy(payload, signature, validator)) signers.add(validator);
  }
  return signers;
}

/**
 * Whether validators with more than half of the stake signed this header. Signatures by others, and those that do not fit, count
 * for nothing.
 */
export const isCountersigned = (
  payload: Uint8Array,
  signatures: readonly Countersignature[],
  seats: readonly Seat[],
): boolean => isQuorum(seats, signersOf(payload, signatures, seats));
