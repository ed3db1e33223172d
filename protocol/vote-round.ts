import * as v from 'valibot';
import { equalBytes, sha256 } from './bytes.ts';
import { MAX_VOTE_BYTES } from './limits.ts';
import { fail, type Outcome } from './outcome.ts';
import { bytes, hash32, peerId, signature64 } from './schema.ts';
import { publicKeyOfPeer, sign, verify, type Signer, type Verifier } from './sign.ts';
import { decodeVote, type VotePayload } from './vote.ts';

/**
 * Commit and reveal: a validator first signs the hash of its vote, and shows the vote when all have committed, so that nobody
 * votes what others did. The salt inside keeps the hash from telling anything.
 */

/** One round of votes: those committed in `epoch`. */
export type VoteRound = { subnet: Uint8Array; epoch: number };

export const signedCommitSchema = v.strictObject({
  validator: peerId,
  commitment: hash32,
  signature: signature64,
});
export type SignedCommit = v.InferOutput<typeof signedCommitSchema>;

/** `payload` is `encodeVote` of a vote. */
export const signedRevealSchema = v.strictObject({
  validator: peerId,
  payload: bytes(1, MAX_VOTE_BYTES),
  signature: signature64,
});
export type SignedReveal = v.InferOutput<typeof signedRevealSchema>;

/** 32 bytes that bind a validator to a vote it does not show yet. */
export const voteCommitment = (payload: Uint8Array): Uint8Array => sha256(payload);

type Commit = VoteRound & Pick<SignedCommit, 'validator' | 'commitment'>;
const commitOf = ({ subnet, epoch, validator, commitment }: Commit): Commit => ({
  subnet,
  epoch,
  validator,
  commitment,
});

export const signCommit = (commit: Commit, key: Uint8Array | Signer): SignedCommit => ({
  validator: commit.validator,
  commitment: commit.commitment,
  signature: sign('gridtab/vote-commit/1', commitOf(commit), key),
});

/** Whether a commit of this round is signed by the validator it names. Never throws. */
export function verifyCommit(round: VoteRound, signed: SignedCommit, verifier?: Verifier): boolean {
  const publicKey = publicKeyOfPeer(signed.validator);
  const commit = commitOf({ ...round, ...signed });
  return publicKey !== null && verify('gridtab/vote-commit/1', commit, signed.signature, publicKey, verifier);
}

/** `payload` is `encodeVote` of the validator's own vote. The signature is over its hash: votes may be megabytes. */
export const signReveal = (
  validator: SignedReveal['validator'],
  payload: Uint8Array,
  key: Uint8Array | Signer,
): SignedReveal => ({
  validator,
  payload,
  signature: sign('gridtab/vote-reveal/1', voteCommitment(payload), key),
});

export type RevealProblem = 'TOO_LARGE' | 'BAD_SIGNATURE' | 'MALFORMED' | 'OTHER_VALIDATOR' | 'OTHER_ROUND';

/** Reads a vote of this round and checks that the validator it names signed it. Never throws. */
export function openReveal(
  round: VoteRound,
  signed: SignedReveal,
  verifier?: Verifier,
): Outcome<VotePayload, RevealProblem> {
  const { validator, payload, signature } = signed;
  if (payload.length > MAX_VOTE_BYTES) return fail('TOO_LARGE', `a vote of ${payload.length} bytes`);
  const publicKey = publicKeyOfPeer(validator);
  // First, since a stranger can send megabytes in anybody's name.
  if (
    publicKey === null ||
    !verify('gridtab/vote-reveal/1', voteCommitment(payload), signature, publicKey, verifier)
  ) {
    return fail('BAD_SIGNATURE', 'the vote is not signed by the validator it names');
  }
  const vote = decodeVote(payload);
  if (!vote.ok) return vote;
  if (vote.value.validator !== validator) return fail('OTHER_VALIDATOR', `a vote of ${vote.value.validator}`);
  if (vote.value.epoch !== round.epoch || !equalBytes(vote.value.subnet, round.subnet)) {
    return fail('OTHER_ROUND', `a vote of epoch ${vote.value.epoch}, or of another subnet`);
  }
  return vote;
}
