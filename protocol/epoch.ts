import * as v from 'valibot';
import { sha256 } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { fail, ok, type Outcome } from './outcome.ts';
import { bytes, hash32, measure, peerId, signature64, uint, uint64 } from './schema.ts';
import { publicKeyOfPeer, sign, verify } from './sign.ts';

/** A closed epoch. Headers are chained by hash; amounts are base units. */
export const epochHeaderSchema = v.strictObject({
  subnet: hash32,
  validator: peerId,
  epoch: uint(),
  /** `epochHash` of the header before, or 32 zero bytes for the first. */
  previous: hash32,
  beacon: hash32,
  auditCommitment: hash32,
  /** The audit key of an earlier epoch whose work has all vested or lapsed: anybody can now draw its coins again. */
  auditReveal: v.nullable(v.strictObject({ epoch: uint(), key: hash32 })),
  receiptCount: uint(),
  /** sha256 over the receipt hashes of the epoch in ascending order. */
  receiptsDigest: hash32,
  /** sha256 of the dag-cbor of the weights: [mechanism, account, peer, quality, latency, weight] in ascending order. */
  weightsDigest: hash32,
  /** sha256 of the dag-cbor of the settlement: [mechanism, role, account, amount] in ascending order. */
  settlementDigest: hash32,
  /** sha256 of the dag-cbor of the epoch's proven failures: [taskId, peer, account, kind, code] in ascending order. */
  penaltiesDigest: hash32,
  /** 12 s slots in which the validator was up. */
  slots: uint(),
  /** Issued by this epoch, and by all epochs up to and with it. */
  issued: uint64,
  totalIssued: uint64,
  closedAtMs: measure,
});
export type EpochHeader = v.InferOutput<typeof epochHeaderSchema>;

export const signedEpochSchema = v.strictObject({ payload: bytes(1, 1024), signature: signature64 });
export type SignedEpoch = v.InferOutput<typeof signedEpochSchema>;

export function signEpoch(header: EpochHeader, validatorSeed: Uint8Array): SignedEpoch {
  const payload = encodeCbor(header);
  return { payload, signature: sign('gridtab/epoch/1', payload, validatorSeed) };
}

export const epochHash = (signed: SignedEpoch): Uint8Array => sha256(signed.payload);

/** Reads a header and checks that the validator it names signed it. */
export function openEpoch(signed: SignedEpoch): Outcome<EpochHeader, 'MALFORMED' | 'BAD_SIGNATURE'> {
  const decoded = decodeCbor(signed.payload);
  if (!decoded.ok) return decoded;
  const parsed = v.safeParse(epochHeaderSchema, decoded.value);
  if (!parsed.success) return fail('MALFORMED', v.summarize(parsed.issues));
  const publicKey = publicKeyOfPeer(parsed.output.validator);
  if (publicKey === null || !verify('gridtab/epoch/1', signed.payload, signed.signature, publicKey)) {
    return fail('BAD_SIGNATURE', 'the header is not signed by the validator it names');
  }
  return ok(parsed.output);
}
