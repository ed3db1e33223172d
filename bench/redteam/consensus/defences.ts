import { equalBytes } from '../../../protocol/bytes.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import { openReveal, verifyCommit, voteCommitment, type SignedReveal } from '../../../protocol/vote-round.ts';
import { readRow, type Row } from '../../../subnet/consensus/rounds/contradiction.ts';
import { judgeVotes, type RoundInput } from '../../../subnet/consensus/rounds/judge-votes.ts';
import { referenceOf } from '../../../subnet/consensus/rounds/reference.ts';
import { nativeVerifier } from '../../../subnet/keys/verifier.ts';
import { MECHANISM } from './workload.ts';

/** What a round insists on. */
export type Defences = {
  /** A vote counts only if it was committed to. */
  commitments: boolean;
  /** Whoever signs two votes has none. */
  oneVote: boolean;
  /** What comes when the round is over does not count. */
  deadline: boolean;
  /** Who votes against proven work has no voice. */
  masks: boolean;
};
export const ALL_DEFENCES: Defences = { commitments: true, oneVote: true, deadline: true, masks: true };
export const without = (...off: (keyof Defences)[]): Defences => ({
  ...ALL_DEFENCES,
  ...Object.fromEntries(off.map((name) => [name, false])),
});

/**
 * The rows that count. With every defence this is what the product does (`judgeVotes`); the control is the same without some
 * of it, over the same signatures, where the last vote that came is taken.
 */
export function countedRows(
  input: RoundInput,
  late: readonly SignedReveal[],
  on: Defences,
): Map<PeerId, Row> {
  if (Object.values(on).every(Boolean)) return judgeVotes(input).rows.get(MECHANISM) ?? new Map();
  const reference = referenceOf(input.reference.get(MECHANISM) ?? new Map());
  const rows = new Map<PeerId, Row>();
  const reveals = on.deadline ? input.reveals : [...input.reveals, ...late];
  for (const { validator } of input.seats) {
    const commits = input.commits.filter(
      (commit) => commit.validator === validator && verifyCommit(input, commit, nativeVerifier),
    );
    const votes = reveals.flatMap((reveal) => {
      if (reveal.validator !== validator) return [];
      const hash = voteCommitment(reveal.payload);
      if (on.commitments && !commits.some(({ commitment }) => equalBytes(commitment, hash))) return [];
      const opened = openReveal(input, reveal, nativeVerifier);
      return opened.ok ? [opened.value] : [];
    });
    const voted = votes.at(-1)?.rows.find(({ mechanism }) => mechanism === MECHANISM);
    if (voted === undefined || (on.oneVote && (votes.length > 1 || commits.length > 1))) continue;
    const { row, contradiction } = readRow(voted, reference);
    if (contradiction === null || !on.masks) rows.set(validator, row);
  }
  return rows;
}
