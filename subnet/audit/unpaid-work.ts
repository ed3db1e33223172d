import { merged } from '../ledger/block-rows.ts';
import type { Score } from '../trust/score-epoch.ts';

/** Scores of work that no block has paid for yet, and who failed in the epochs of that work. */
export class UnpaidWork {
  readonly #epochs = new Map<number, { scores: readonly Score[]; failed: ReadonlySet<string> }>();

  add(epoch: number, scores: readonly Score[], failed: ReadonlySet<string>): void {
    this.#epochs.set(epoch, { scores, failed });
  }

  /** One score for each peer of the epochs `from` to `to`, in ascending order of mechanism, account, peer. */
  scores({ from, to }: { from: number; to: number }): Score[] {
    const scores: Score[] = [];
    for (const [epoch, each] of this.#epochs) if (epoch >= from && epoch <= to) scores.push(...each.scores);
    const name = ({ mechanism, account, peer }: Score): string => `${mechanism} ${account} ${peer}`;
    const named = scores.map((score) => [name(score), score] as const);
    // A stable sort: of a peer's scores the older comes first.
    named.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return merged(named.map(([, score]) => score));
  }

  /** Who failed in the epochs after `epoch`. */
  failedSince(epoch: number): Set<string> {
    const failed = new Set<string>();
    for (const [of, each] of this.#epochs) if (of > epoch) for (const peer of each.failed) failed.add(peer);
    return failed;
  }

  paid(through: number): void {
    for (const epoch of this.#epochs.keys()) if (epoch <= through) this.#epochs.delete(epoch);
  }
}
