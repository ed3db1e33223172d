import { MAX_WEIGHT, weightsFromScores } from '../../../../protocol/vote.ts';
import { voter, withPart, type Actor } from '../actors.ts';
import { accountOf } from '../cast.ts';
import type { Claim } from '../claims.ts';
import { ALL_DEFENCES, without } from '../defences.ts';
import { dividends, type Field, type Side } from '../field.ts';
import { workerOf } from '../workload.ts';

/** The attacker's own tab, and the rival that it would like to see gone. */
const OWN = 0;
const RIVAL = 1;
const attackers: Side = (players, seed) => [...dividends(players, seed), workerOf(seed, OWN)];
const rival: Side = (_, seed) => [workerOf(seed, RIVAL)];

/** Just inside of the 4 / 5 that a mask asks for. */
const LEAST = 0.81;

/** Honest votes, but for a rival that gets so many times its part. */
const starving =
  (times: number) =>
  (seed: string): Actor =>
    voter(({ reference }) => weightsFromScores(withPart(reference, workerOf(seed, RIVAL), times)));

export async function underVoting(field: Field): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (const stake of [30_000, 60_000]) {
    const attack = `under-voting with ${stake / 1_000} %`;
    const nothing = { stake, attacker: starving(0) };
    const open = { ...nothing, defences: without('masks') };
    const little = { stake, attacker: starving(LEAST) };
    claims.push(
      {
        attack,
        side: 'control',
        what: 'gives a rival nothing, no masks',
        metric: 'the rival’s income beside honest votes',
        evidence: { pairs: await field.pairs(open, rival) },
        must: { atMost: stake > 50_000 ? 0 : 0.8 },
      },
      {
        attack,
        side: 'defended',
        what: 'gives a rival nothing',
        metric: 'the rival’s income beside honest votes',
        evidence: { pairs: await field.pairs(nothing, rival) },
        must: { atLeast: 0.97 },
      },
      {
        attack,
        side: 'defended',
        what: 'gives a rival nothing',
        metric: 'income of validator and tab beside honest votes',
        evidence: { pairs: await field.pairs(nothing, attackers) },
        must: { atMost: 1 },
      },
      {
        attack,
        side: 'shown',
        what: `gives a rival ${100 * LEAST} % of its part, which no mask sees`,
        metric: 'the rival’s income beside honest votes',
        evidence: { pairs: await field.pairs(little, rival) },
        must: null,
      },
      {
        attack,
        side: stake > 50_000 ? 'shown' : 'defended',
        what: `gives a rival ${100 * LEAST} % of its part, which no mask sees`,
        metric: 'income of validator and tab beside honest votes',
        evidence: { pairs: await field.pairs(little, attackers) },
        must: stake > 50_000 ? null : { atMost: 1 },
      },
    );
  }
  return claims;
}

/** All weight on one account. */
const only =
  (accountFor: (seed: string, own: string) => string) =>
  (seed: string): Actor =>
    voter(({ own }) => new Map([[accountFor(seed, own.account), MAX_WEIGHT]]));

export async function selfVoting(field: Field): Promise<Claim[]> {
  const attack = 'self-voting with 55 %';
  const stake = 55_000;
  const second = (seed: string): string => accountOf(seed, 'the attacker’s second');
  const whose: Side = (players, seed) => [...dividends(players, seed), second(seed)];
  const metric = 'income beside honest votes';
  return [
    {
      attack,
      side: 'control',
      what: 'all for an account that nobody knows for its own, no masks',
      metric,
      evidence: {
        pairs: await field.pairs({ stake, attacker: only(second), defences: without('masks') }, whose),
      },
      must: { atLeast: 2 },
    },
    {
      attack,
      side: 'defended',
      what: 'all for the account of its seat, no masks',
      metric,
      evidence: {
        pairs: await field.pairs(
          { stake, attacker: only((_, own) => own), defences: without('masks') },
          whose,
        ),
      },
      must: { atMost: 0 },
    },
    {
      attack,
      side: 'defended',
      what: 'all for an account that nobody knows for its own',
      metric,
      evidence: {
        pairs: await field.pairs({ stake, attacker: only(second), defences: ALL_DEFENCES }, whose),
      },
      must: { atMost: 0 },
    },
  ];
}
