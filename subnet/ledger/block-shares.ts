import type { MechanismShares } from '../consensus/consensus.ts';
import { singleValidatorConsensus } from '../consensus/consensus.ts';
import type { Score } from '../trust/score-epoch.ts';
import type { VoteFate } from './digests.ts';
import type { LedgerPolicy } from './policy.ts';
import type { Seats } from './seats.ts';

/** Votes that were committed in the epoch before and revealed in this one, as their rows are. */
export type VoteRows = {
  commits: readonly { validator: string; commitment: Uint8Array; signature: Uint8Array }[];
  reveals: readonly { validator: string; payload: Uint8Array; signature: Uint8Array }[];
};

type Input = {
  subnet: Uint8Array;
  epoch: number;
  seats: Seats;
  policy: LedgerPolicy;
  paidScores: readonly Score[];
  votes: VoteRows;
  states: ReadonlyMap<string, Uint8Array>;
};

/** Each account's score by mechanism, summed over its peers: what the receipts say. */
export function scoresByAccount(scores: readonly Score[]): Map<string, Map<string, bigint>> {
  const byMechanism = new Map<string, Map<string, bigint>>();
  for (const { mechanism, account, weight } of scores) {
    const accounts = byMechanism.get(mechanism) ?? new Map<string, bigint>();
    accounts.set(account, (accounts.get(account) ?? 0n) + weight);
    byMechanism.set(mechanism, accounts);
  }
  return byMechanism;
}

/** What consensus makes of an epoch's votes, and what became of each of them. */
export function sharesOfVotes({ seats, policy, paidScores, states }: Input): {
  shares: Map<string, MechanismShares>;
  states: ReadonlyMap<string, Uint8Array>;
  fates: VoteFate[];
} {
  const reference = scoresByAccount(paidScores);
  const shares = new Map<string, MechanismShares>();
  const [only] = seats.seats;
  for (const { name } of policy.mechanisms) {
    const work = reference.get(name);
    const share =
      only === undefined || work === undefined
        ? null
        : singleValidatorConsensus([{ validator: only.account, stake: only.stake, work }]);
    if (share !== null) shares.set(name, share);
  }
  return { shares, states, fates: [] };
}
