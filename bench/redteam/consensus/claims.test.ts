import { describe, expect, it } from 'vitest';
import { selfVoting } from './attacks/weights.ts';
import { lateReveal } from './attacks/timing.ts';
import { voter, type Actor } from './actors.ts';
import { accountOf, castOf, concentrationOf } from './cast.ts';
import { brokenText, weigh, type Claim, type Must } from './claims.ts';
import { without } from './defences.ts';
import { dividends, Field } from './field.ts';
import { play } from './game.ts';

const useless = (seed: string): string => accountOf(seed, 'of no use');

const claim = (evidence: Claim['evidence'], must: Must | null, side: Claim['side'] = 'defended'): Claim => ({
  attack: 'an attack',
  side,
  what: 'this',
  metric: 'income',
  evidence,
  must,
});
const pairs = (...gained: number[]): Claim['evidence'] => ({
  pairs: gained.map((g) => ({ gained: g, honest: 1 })),
});
const isBroken = (evidence: Claim['evidence'], must: Must | null): boolean =>
  weigh(claim(evidence, must), 'seed', 0.95).broken;

describe('a claim', () => {
  it('is broken unless the whole interval bears it out', () => {
    expect(isBroken(pairs(1, 1, 1), { atMost: 1 })).toBe(false);
    expect(isBroken(pairs(0.8, 1.3, 0.7), { atMost: 1 })).toBe(true);
    expect(isBroken(pairs(1.01, 1.01, 1.01), { atMost: 1 })).toBe(true);
    expect(isBroken(pairs(2, 2.1), { atLeast: 2 })).toBe(false);
    expect(isBroken(pairs(2, 1.9), { atLeast: 2 })).toBe(true);
    expect(isBroken(pairs(5, 5), null)).toBe(false);
  });

  it('of counts is broken unless what was predicted lies in its interval', () => {
    const counted = { successes: 72, trials: 100 };
    expect(isBroken(counted, { around: 0.7 })).toBe(false);
    expect(isBroken(counted, { around: 0.5 })).toBe(true);
    expect(isBroken(counted, { around: 0.9 })).toBe(true);
  });

  it('says what is broken', () => {
    const weighed = weigh(claim(pairs(1, 1), { atLeast: 2 }, 'control'), 'seed', 0.95);
    expect(brokenText(weighed)).toBe(
      'an attack (this) did not succeed without the defence: income 1.0000 [1.0000, 1.0000], must be {"atLeast":2}',
    );
  });
});

it('concentration of stake: what is spread evenly, and what one holds', async () => {
  expect(concentrationOf([20n, 20n, 20n, 20n, 20n])).toEqual({
    herfindahl: expect.closeTo(0.2) as number,
    fewestWithHalf: 3,
  });
  const stakes = (await castOf('seed', 51_000, 4)).map(({ stake }) => stake);
  expect(concentrationOf(stakes).fewestWithHalf).toBe(1);
});

describe('attacks of a few games', { timeout: 120_000 }, () => {
  const field = new Field('test', 2);
  const weighed = (claims: readonly Claim[]) => claims.map((one) => weigh(one, 'test', 0.95));

  it('pay nothing against every defence, and succeed without it', async () => {
    const reports = weighed([...(await selfVoting(field)), ...(await lateReveal(field))]);
    expect(reports.filter(({ broken }) => broken).map(brokenText)).toEqual([]);
    expect(reports.filter(({ side }) => side === 'control')).toHaveLength(3);
    expect(reports.filter(({ side }) => side === 'defended')).toHaveLength(4);
  });

  it('are broken where a defence that must hold is off', async () => {
    const attacker = (seed: string): Actor => voter(() => new Map([[useless(seed), 65_535]]));
    const arm = async (defences: ReturnType<typeof without>): Promise<boolean> =>
      isBroken(
        {
          pairs: await field.pairs({ stake: 55_000, attacker, defences }, (players, seed) => [
            ...dividends(players, seed),
            useless(seed),
          ]),
        },
        { atMost: 1 },
      );
    expect(await arm(without())).toBe(false);
    expect(await arm(without('masks'))).toBe(true);
  });

  it('are a function of the seed', async () => {
    const game = {
      stake: 20_000,
      attacker: (seed: string) => voter(() => new Map([[useless(seed), 65_535]])),
    };
    const one = await play({ ...game, seed: 'a' });
    expect(await play({ ...game, seed: 'a' })).toEqual({ ...one, players: expect.any(Array) as unknown[] });
    expect((await play({ ...game, seed: 'b' })).income).not.toEqual(one.income);
  });
});
