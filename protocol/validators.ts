import * as v from 'valibot';
import { sha256 } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { fail, ok, type Outcome } from './outcome.ts';
import { bytes, hash32, hex, peerId, signature64, uint, uint64 } from './schema.ts';
import { sign, verify, type Verifier } from './sign.ts';

/** One who validates: its peer, the stake that its word weighs, and the account that its part of the emission goes to. */
export const seatSchema = v.strictObject({ validator: peerId, stake: uint64, account: hex(32) });
export type Seat = v.InferOutput<typeof seatSchema>;

/** More than a subnet is likely to have; the reference allows as many (yuma.md 1.5). */
export const MAX_SEATS = 64;

/** Who validates from an epoch on, in ascending order of validator. */
export const validatorSetSchema = v.strictObject({
  subnet: hash32,
  fromEpoch: uint(),
  seats: v.pipe(
    v.array(seatSchema),
    v.minLength(1),
    v.maxLength(MAX_SEATS),
    v.check(
      (seats) => seats.every((seat, i) => i === 0 || (seats[i - 1]?.validator ?? '') < seat.validator),
      'expected validators in ascending order, each once',
    ),
  ),
});
export type ValidatorSet = v.InferOutput<typeof validatorSetSchema>;

/** As it is stored: dag-cbor of a ValidatorSet, signed by the subnet's owner. */
export const signedValidatorSetSchema = v.strictObject({ payload: bytes(1, 16_384), signature: signature64 });
export type SignedValidatorSet = v.InferOutput<typeof signedValidatorSetSchema>;

export function signValidatorSet(set: ValidatorSet, ownerSeed: Uint8Array): SignedValidatorSet {
  const payload = encodeCbor(set);
  return { payload, signature: sign('gridtab/validators/1', payload, ownerSeed) };
}

export const validatorSetHash = ({ payload }: SignedValidatorSet): Uint8Array => sha256(payload);

/** What a set says, whoever signed it. */
export function readValidatorSet(payload: Uint8Array): Outcome<ValidatorSet, 'MALFORMED'> {
  const decoded = decodeCbor(payload);
  if (!decoded.ok) return decoded;
  const parsed = v.safeParse(validatorSetSchema, decoded.value);
  return parsed.success ? ok(parsed.output) : fail('MALFORMED', v.summarize(parsed.issues));
}

/** Reads a set and checks that `owner` (32 bytes) signed it. */
export function openValidatorSet(
  signed: SignedValidatorSet,
  owner: Uint8Array,
  verifier?: Verifier,
): Outcome<ValidatorSet, 'MALFORMED' | 'BAD_SIGNATURE'> {
  const read = readValidatorSet(signed.payload);
  if (read.ok && !verify('gridtab/validators/1', signed.payload, signed.signature, owner, verifier))
    return fail('BAD_SIGNATURE', 'the validator set is not signed by the owner of the subnet');
  return read;
}

/** Seats in the one order that everything is computed in. */
export const inSeatOrder = (seats: readonly Seat[]): Seat[] =>
  seats.toSorted((a, b) => (a.validator < b.validator ? -1 : 1));

export const totalStake = (seats: readonly Seat[]): bigint =>
  seats.reduce((sum, { stake }) => sum + stake, 0n);

/** Do these validators hold more than half of the stake? */
export function isQuorum(seats: readonly Seat[], signers: ReadonlySet<string>): boolean {
  const signed = seats.reduce(
    (sum, { validator, stake }) => (signers.has(validator) ? sum + stake : sum),
    0n,
  );
  return 2n * signed > totalStake(seats);
}
