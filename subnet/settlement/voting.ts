import type { Logger } from 'pino';
import type { Faults } from '../faults.ts';
import { scoresByAccount } from '../ledger/block-shares.ts';
import type { Seats } from '../ledger/seats.ts';
import type { Score } from '../trust/score-epoch.ts';
import { closedScores } from './check-seal.ts';
import { commitVote, revealVote, type ScoresByMechanism, type Voter } from './own-vote.ts';

export type VotingOptions = {
  voter: Voter;
  /** Names of the mechanisms that are paid. */
  mechanisms: ReadonlySet<string>;
  /** An epoch's scores by the receipts alone. */
  scoresByReceipts: (epoch: number) => Promise<Score[]>;
  /** What this validator votes, from what it makes of the work; for tests of validators that are not honest. */
  weigh?: ((scores: ScoresByMechanism) => ScoresByMechanism) | undefined;
  faults: Faults;
  logger: Logger;
};

/** A validator's own votes: each committed to once, each revealed once, in the epoch that is open. */
export class Voting {
  readonly #options: VotingOptions;
  #revealed = -1;
  #committed = -1;

  constructor(options: VotingOptions) {
    this.#options = options;
  }

  /**
   * Reveals the vote of the epoch before, and commits to one about the work of the epoch before once that is closed: a seal is
   * nothing to vote by until enough have signed it.
   */
  async look(epoch: number, closedThrough: number, { seats }: Seats): Promise<void> {
    const { voter, weigh, faults } = this.#options;
    if (this.#revealed < epoch) {
      await revealVote(voter, epoch);
      this.#revealed = epoch;
      faults.pass('vote.revealed');
    }
    if (epoch < 1 || this.#committed >= epoch || closedThrough < epoch - 1) return;
    if (!seats.some(({ validator }) => validator === voter.validator)) return;
    const scores = await this.#scores(epoch - 1);
    if (!(await commitVote(voter, epoch, weigh?.(scores) ?? scores))) return;
    this.#committed = epoch;
    faults.pass('vote.committed');
  }

  /** What a closed epoch's work is worth by account, as its header commits to it; by the receipts where rows were altered since. */
  async #scores(epoch: number): Promise<ScoresByMechanism> {
    const { voter, mechanisms, scoresByReceipts, logger } = this.#options;
    const sealed = await closedScores(voter.store.db, epoch);
    if (sealed === null)
      logger.warn({ epoch }, 'scores were altered in the database after their epoch had closed');
    const scores = scoresByAccount(sealed ?? (await scoresByReceipts(epoch)));
    return new Map([...scores].filter(([name]) => mechanisms.has(name)));
  }
}
