import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { sha256, toHex } from '../../../protocol/bytes.ts';
import { encodeCbor } from '../../../protocol/cbor.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import {
  encodeVote,
  voteRows,
  weightsFromScores,
  type VotePayload,
  type VoteWeights,
} from '../../../protocol/vote.ts';
import {
  signCommit,
  signReveal,
  voteCommitment,
  type SignedCommit,
  type SignedReveal,
} from '../../../protocol/vote-round.ts';
import { nativeSigner } from '../../keys/signer.ts';
import type { RoundInput, Seat } from './judge-votes.ts';
import type { Scores } from './reference.ts';

export const SUBNET = new Uint8Array(32).fill(1);
export const EPOCH = 7;

/** 32 bytes that follow from a name. */
export const bytesOf = (...name: unknown[]): Uint8Array => sha256(encodeCbor(name));
/** An account (hex) that nobody needs the key of. */
export const account = (n: number): string => toHex(bytesOf('account', n));

export type Validator = { seed: Uint8Array; peer: PeerId };

export async function validatorOf(name: string): Promise<Validator> {
  const seed = bytesOf('validator', name);
  const peer = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed)).toString() as PeerId;
  return { seed, peer };
}

/** Eight validators in ascending order of peer id. */
export const VALIDATORS: readonly Validator[] = (
  await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(validatorOf))
).sort((a, b) => (a.peer < b.peer ? -1 : 1));

export const at = (i: number): Validator => {
  const found = VALIDATORS[i];
  if (found === undefined) throw new RangeError(`validator ${i}`);
  return found;
};

/** Seats of the first validators, with these stakes; the account of the i-th is `account(1000 + i)`. */
export const seatsOf = (stakes: readonly number[]): Seat[] =>
  stakes.map((stake, i) => ({ validator: at(i).peer, stake: BigInt(stake), account: account(1_000 + i) }));

/** Work by account number. */
export const scoresOf = (work: Record<number, bigint>): Scores =>
  new Map(Object.entries(work).map(([n, score]) => [account(Number(n)), score]));

/** Weights as an honest validator makes them. */
export const honestWeights = (reference: ReadonlyMap<string, Scores>): VoteWeights =>
  new Map([...reference].map(([mechanism, scores]) => [mechanism, weightsFromScores(scores)]));

export const voteOf = (i: number, weights: VoteWeights, changes: Partial<VotePayload> = {}): VotePayload => ({
  subnet: SUBNET,
  validator: at(i).peer,
  epoch: EPOCH,
  beacon: bytesOf('beacon', i),
  salt: bytesOf('salt', i),
  rows: voteRows(weights),
  ...changes,
});

export const commitTo = (i: number, payload: Uint8Array, epoch = EPOCH): SignedCommit =>
  signCommit(
    { subnet: SUBNET, epoch, validator: at(i).peer, commitment: voteCommitment(payload) },
    nativeSigner(at(i).seed),
  );

export const revealOf = (i: number, payload: Uint8Array): SignedReveal =>
  signReveal(at(i).peer, payload, nativeSigner(at(i).seed));

/** A round in which each validator votes what it is given here; null commits to nothing. */
export function roundOf(
  stakes: readonly number[],
  reference: RoundInput['reference'],
  weights: readonly (VoteWeights | null)[] = stakes.map(() => honestWeights(reference)),
): RoundInput {
  const payloads = weights.map((row, i) => (row === null ? null : encodeVote(voteOf(i, row))));
  return {
    subnet: SUBNET,
    epoch: EPOCH,
    seats: seatsOf(stakes),
    commits: payloads.flatMap((payload, i) => (payload === null ? [] : [commitTo(i, payload)])),
    reveals: payloads.flatMap((payload, i) => (payload === null ? [] : [revealOf(i, payload)])),
    reference,
  };
}
