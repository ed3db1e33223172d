import type { Pair } from '../statistics/ratio.ts';
import type { Player } from './cast.ts';
import { play, type Game, type Income } from './game.ts';

/** Whose income an attack is about, in one game. */
export type Side = (players: readonly Player[], seed: string) => readonly string[];

/** The attacker's dividends. */
export const dividends: Side = ([attacker]) => (attacker === undefined ? [] : [attacker.account]);

/**
 * Games over many seeds. An attack is held against the same actor in the same game when it is honest: the same stake, the same
 * work, the same luck.
 */
export class Field {
  readonly seeds: readonly string[];
  readonly #honest = new Map<string, ReturnType<typeof play>>();

  constructor(seed: string, count: number) {
    this.seeds = Array.from({ length: count }, (_, i) => `${seed}/${i}`);
  }

  /** What honest play brings; each is played once. */
  async honest(seed: string, stake: number): ReturnType<typeof play> {
    const key = `${seed} ${stake}`;
    const played = this.#honest.get(key) ?? play({ seed, stake });
    this.#honest.set(key, played);
    return await played;
  }

  /**
   * For each seed what `whose` earn in the attacked game, and in the honest one: as it is with nobody attacking, or as `honest`
   * has it.
   */
  async pairs(attacked: Omit<Game, 'seed'>, whose: Side, honest?: Omit<Game, 'seed'>): Promise<Pair[]> {
    const pairs: Pair[] = [];
    for (const seed of this.seeds) {
      const game = await play({ ...attacked, seed });
      const fair =
        honest === undefined ? await this.honest(seed, attacked.stake) : await play({ ...honest, seed });
      const accounts = whose(game.players, seed);
      pairs.push({ gained: earned(game.income, accounts), honest: earned(fair.income, accounts) });
    }
    return pairs;
  }
}

export const earned = (income: Income, accounts: readonly string[]): number =>
  accounts.reduce((sum, account) => sum + (income.get(account) ?? 0), 0);
