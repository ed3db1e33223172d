import type { Scores } from '../../../../subnet/consensus/rounds/reference.ts';
import { accountOf } from '../cast.ts';
import type { Claim } from '../claims.ts';
import { dividends, type Field, type Side } from '../field.ts';
import type { Seen } from '../game.ts';

const STAKE = 20_000;
const hidden = (seed: string): string => accountOf(seed, 'hidden');
const whose: Side = (players, seed) => [...dividends(players, seed), hidden(seed)];

/** Work of an account that only the attacker has receipts for: a tenth of all. */
const withHidden = (work: Scores, seed: string): Scores => {
  const all = [...work.values()].reduce((a, b) => a + b, 0n);
  return new Map([...work, [hidden(seed), all / 9n]]);
};

/**
 * Real receipts that are shown only when all have voted. If they counted then, every honest vote would be one against
 * proven work.
 */
export async function heldBackReceipts(field: Field): Promise<Claim[]> {
  const pooled = (work: Scores, seed: string): Seen => {
    const all = withHidden(work, seed);
    return { byVoters: all, bySettlers: all, byAttacker: all };
  };
  const shownLater =
    (isCounted: boolean) =>
    (work: Scores, seed: string): Seen => {
      const all = withHidden(work, seed);
      return { byVoters: work, bySettlers: isCounted ? all : work, byAttacker: all };
    };
  const honest = { stake: STAKE, seen: pooled };
  const common = {
    attack: 'receipts held back',
    metric: 'income of validator and account beside showing them in time',
  };
  return [
    {
      ...common,
      side: 'control',
      what: 'shown after the votes, and counted',
      evidence: { pairs: await field.pairs({ stake: STAKE, seen: shownLater(true) }, whose, honest) },
      must: { atLeast: 2 },
    },
    {
      ...common,
      side: 'defended',
      what: 'shown after the votes, when the pool is closed',
      evidence: { pairs: await field.pairs({ stake: STAKE, seen: shownLater(false) }, whose, honest) },
      must: { atMost: 1 },
    },
  ];
}
