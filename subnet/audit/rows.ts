import type { VoteRows } from '../ledger/block-shares.ts';
import type { Penalty } from '../ledger/digests.ts';
import type { Score } from '../trust/score-epoch.ts';
import { differs } from './difference.ts';
import type { EpochRowsByKind, Row } from './frames.ts';

/** Exported rows in the shapes that blocks are computed from. */
export const scoresOfRows = (rows: readonly Row<'scores'>[]): Score[] =>
  rows.map(([mechanism, account, peer, quality, latency, weight, lastIndex]) => ({
    mechanism,
    account,
    peer,
    quality,
    latency,
    weight: BigInt(weight),
    lastIndex,
  }));

export function penaltiesOfRows(epoch: number, rows: readonly Row<'penalties'>[]): Penalty[] {
  return rows.map(([taskId, peer, account, kind, code], i) => {
    const before = rows[i - 1]?.[0];
    if (before !== undefined && Buffer.compare(before, taskId) >= 0)
      differs(`epoch ${epoch}: the proven failures are not in the order of an export`);
    return { taskId, peer, account, kind, code };
  });
}

export const votesOfRows = ({
  voteCommits,
  voteReveals,
}: Pick<EpochRowsByKind, 'voteCommits' | 'voteReveals'>): VoteRows => ({
  commits: voteCommits.map(([validator, commitment, signature]) => ({ validator, commitment, signature })),
  reveals: voteReveals.map(([validator, payload, signature]) => ({ validator, payload, signature })),
});
