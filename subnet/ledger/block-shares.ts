import type { PeerId } from '../../protocol/ids.ts';
import { voteCommitment } from '../../protocol/vote-round.ts';
import { singleValidatorConsensus, type MechanismShares } from '../consensus/consensus.ts';
import { judgeVotes } from '../consensus/rounds/judge-votes.ts';
import { EMPTY_STATE, nextShares, type MechanismState } from '../consensus/rounds/mechanism.ts';
import { decodeState, encodeState } from '../consensus/rounds/state-bytes.ts';
import { YUMA_RULES } from '../consensus/yuma/rules.ts';
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
  /** Is there work that the votes are about? */
  votable: boolean;
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

/**
 * What consensus makes of an epoch's votes, and what became of each of them. One validator is its own consensus: it has nobody to
 * hide a vote from, and its scores are the vote.
 */
export function sharesOfVotes(input: Input): {
  shares: Map<string, MechanismShares>;
  states: ReadonlyMap<string, Uint8Array>;
  fates: VoteFate[];
} {
  const reference = scoresByAccount(input.paidScores);
  const [only, ...others] = input.seats.seats;
  if (only === undefined) throw new Error('block: nobody validates');
  if (others.length > 0) return sharesOfSeveral(input, reference);
  const shares = new Map<string, MechanismShares>();
  for (const { name } of input.policy.mechanisms) {
    const work = reference.get(name);
    const share =
      work === undefined
        ? null
        : singleValidatorConsensus([{ validator: only.account, stake: only.stake, work }]);
    if (share !== null) shares.set(name, share);
  }
  return { shares, states: input.states, fates: [] };
}

function sharesOfSeveral(
  { subnet, epoch, seats: { seats }, policy, votes, states, votable }: Input,
  reference: ReadonlyMap<string, ReadonlyMap<string, bigint>>,
): ReturnType<typeof sharesOfVotes> {
  if (!votable) return { shares: new Map(), states, fates: [] };
  const judged = judgeVotes({
    subnet,
    epoch: epoch - 1,
    seats,
    commits: votes.commits.map((commit) => ({ ...commit, validator: commit.validator as PeerId })),
    reveals: votes.reveals.map((reveal) => ({ ...reveal, validator: reveal.validator as PeerId })),
    reference,
  });
  const shares = new Map<string, MechanismShares>();
  const after = new Map(states);
  for (const { name } of policy.mechanisms) {
    const scores = reference.get(name) ?? new Map<string, bigint>();
    const before = stateOf(states, name);
    const round = {
      epoch,
      seats,
      rows: judged.rows.get(name) ?? new Map(),
      reference: scores,
      rules: YUMA_RULES,
    };
    const next = nextShares(before, round);
    after.set(name, encodeState(next.state));
    if (next.shares !== null) shares.set(name, next.shares);
  }
  const fates = judged.verdicts.map(({ validator, standing, reason }) => {
    const revealed = votes.reveals.find((reveal) => reveal.validator === validator);
    return {
      validator,
      standing,
      reason,
      revealed: revealed === undefined ? null : voteCommitment(revealed.payload),
    };
  });
  return { shares, states: after, fates };
}

/** Bonds as the last block left them. Throws on bytes that no block wrote. */
function stateOf(states: ReadonlyMap<string, Uint8Array>, mechanism: string): MechanismState {
  const bytes = states.get(mechanism);
  if (bytes === undefined) return EMPTY_STATE;
  const decoded = decodeState(bytes);
  if (!decoded.ok) throw new Error(`ledger: the bonds of ${mechanism} cannot be read: ${decoded.message}`);
  return decoded.value;
}
