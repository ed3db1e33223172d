import { hashCbor } from '../../../protocol/cbor.ts';
import {
  encodeVote,
  voteRows,
  voteWeights,
  weightsFromScores,
  type VotePayload,
} from '../../../protocol/vote.ts';
import type { Scores } from '../../../subnet/consensus/rounds/reference.ts';
import type { Player } from './cast.ts';
import { MECHANISM } from './workload.ts';

export type Weights = ReadonlyMap<string, number>;

/** What a validator sees before anybody reveals. */
export type Sight = {
  /** 32 bytes. */
  subnet: Uint8Array;
  epoch: number;
  own: Player;
  /** By the pooled receipts. A copier does not look. */
  reference: Scores;
  /** What the others revealed in the round before. */
  past: readonly VotePayload[];
};

export type Revealing = {
  /** Encoded votes, shown in time. */
  inTime: Uint8Array[];
  /** Shown when the round is over. */
  late: Uint8Array[];
};

/** How a validator plays a round: it commits to encoded votes, then shows votes when it has seen what the others showed. */
export type Actor = {
  commit: (sight: Sight) => Uint8Array[];
  reveal: (sight: Sight, committed: readonly Uint8Array[], others: readonly VotePayload[]) => Revealing;
};

/** An encoded vote; without weights one with no rows. `salt` makes different votes of the same weights. */
export const ballot = (sight: Sight, weights: Weights, salt = 0): Uint8Array =>
  encodeVote({
    subnet: sight.subnet,
    validator: sight.own.peer,
    epoch: sight.epoch,
    beacon: hashCbor(['beacon', sight.own.peer, sight.epoch, salt]),
    salt: hashCbor(['salt', sight.own.peer, sight.epoch, salt]),
    rows: voteRows(new Map([[MECHANISM, weights]])),
  });

/** One vote, committed to and revealed in time. */
export const voter = (weightsOf: (sight: Sight) => Weights): Actor => ({
  commit: (sight) => [ballot(sight, weightsOf(sight))],
  reveal: (_, committed) => ({ inTime: [...committed], late: [] }),
});

/**
 * Votes what the receipts say, to the unit: in a subnet that runs, the scores that a countersigned header commits to
 * (`subnet/settlement/voting.ts`). Opinions of their own would give who leans something to hide behind.
 */
export const honest: Actor = voter(({ reference }) => weightsFromScores(reference));

/** Scores times what `factor` gives for each account. */
export const scaled = (scores: Scores, factor: (account: string) => number): Scores =>
  new Map(
    [...scores].map(([account, score]) => [
      account,
      (score * BigInt(Math.round(1e6 * factor(account)))) / 1_000_000n,
    ]),
  );

/**
 * Scores that give one account so many times its part of them, and the others the rest as they share it now. For accounts with
 * less than 45 % of the work, so that with 0.81 to 1.24 times the others stay within a mask too.
 */
export function withPart(scores: Scores, account: string, times: number): Scores {
  const part = Number(scores.get(account) ?? 0n) / Number([...scores.values()].reduce((a, b) => a + b, 0n));
  const factor = (times * (1 - part)) / (1 - times * part);
  return scaled(scores, (one) => (one === account ? factor : 1));
}

/** What most of them vote: each account's median part. */
export function medianOf(votes: readonly VotePayload[]): Weights {
  const parts = votes.map(({ rows }) => {
    const row: Weights = voteWeights(rows).get(MECHANISM) ?? new Map();
    const sum = [...row.values()].reduce((a, b) => a + b, 0);
    return new Map([...row].map(([account, weight]) => [account, weight / sum]));
  });
  const scores = new Map<string, bigint>();
  for (const account of new Set(parts.flatMap((row) => [...row.keys()]))) {
    const sorted = parts.map((row) => row.get(account) ?? 0).sort((a, b) => a - b);
    scores.set(account, BigInt(Math.round(1e9 * (sorted[sorted.length >> 1] ?? 0))));
  }
  return weightsFromScores(scores);
}
