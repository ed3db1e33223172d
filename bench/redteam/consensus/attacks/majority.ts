import { MAX_WEIGHT, weightsFromScores } from '../../../../protocol/vote.ts';
import { voter, withPart, type Actor } from '../actors.ts';
import { accountOf, ALL_STAKE, castOf, concentrationOf, type Concentration } from '../cast.ts';
import type { Claim } from '../claims.ts';
import { ALL_DEFENCES, without, type Defences } from '../defences.ts';
import { dividends, type Field, type Side } from '../field.ts';
import { EPOCHS, HONEST, play } from '../game.ts';
import { workerOf } from '../workload.ts';

/** Parts of a hundred. */
const STAKES = [10, 20, 30, 40, 49, 51, 60, 70, 80, 90];
/** Just inside of the 5 / 4 that a mask forgives. */
const TILT = 1.24;

const useless = (seed: string): string => accountOf(seed, 'of no use');
const forUseless = (seed: string): Actor => voter(() => new Map([[useless(seed), MAX_WEIGHT]]));
const tilted = (seed: string): Actor =>
  voter(({ reference }) => weightsFromScores(withPart(reference, workerOf(seed, 0), TILT)));
const withOwnWorker: Side = (players, seed) => [...dividends(players, seed), workerOf(seed, 0)];

/** One step of the sweep: how concentrated stake is, and what comes of it. */
export type Step = { stake: number; concentration: Concentration; claims: Claim[] };

/**
 * A coalition with more and more of the stake. It gives everything to an account that never did anything, without masks and
 * with them; then only as much more to an account of its own that works as a mask forgives.
 */
export async function majority(field: Field): Promise<Step[]> {
  const steps: Step[] = [];
  for (const percent of STAKES) {
    const stake = (ALL_STAKE * percent) / 100;
    const attack = `${percent} % of the stake`;
    const partOfUseless = async (defences: Defences): Promise<Claim['evidence']> => {
      const pairs = [];
      for (const seed of field.seeds) {
        const { income } = await play({ seed, stake, defences, attacker: forUseless });
        pairs.push({ gained: income.get(useless(seed)) ?? 0, honest: EPOCHS });
      }
      return { pairs };
    };
    const metric = 'part of the miners’ emission';
    const stakes = (await castOf(attack, stake, HONEST)).map((player) => player.stake);
    steps.push({
      stake: percent,
      concentration: concentrationOf(stakes),
      claims: [
        {
          attack,
          // Below the cliff there is nothing to control: that it gets nothing is what consensus is for.
          side: percent > 50 ? 'control' : 'defended',
          what: 'all for an account of no use, no masks',
          metric,
          evidence: await partOfUseless(without('masks')),
          must: percent > 50 ? { atLeast: 1 - 1e-6 } : { atMost: 0 },
        },
        {
          attack,
          side: 'defended',
          what: 'all for an account of no use',
          metric,
          evidence: await partOfUseless(ALL_DEFENCES),
          must: { atMost: 0 },
        },
        {
          attack,
          side: percent > 50 ? 'shown' : 'defended',
          what: `${TILT} times its part for an account of its own that works`,
          metric: 'income beside honest votes',
          evidence: { pairs: await field.pairs({ stake, attacker: tilted }, withOwnWorker) },
          must: percent > 50 ? null : { atMost: 1 },
        },
      ],
    });
  }
  return steps;
}
