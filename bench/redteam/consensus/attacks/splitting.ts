import type { Scores } from '../../../../subnet/consensus/rounds/reference.ts';
import { maxUpscale } from '../../../../subnet/consensus/yuma/votes.ts';
import { honest, voter, type Actor } from '../actors.ts';
import { accountOf } from '../cast.ts';
import type { Claim } from '../claims.ts';
import type { Field, Side } from '../field.ts';
import type { Game, Seen } from '../game.ts';

const STAKE = 20_000;
/** What one account does, in millionths of the largest account's work: some fifty steps of a weight. */
const SMALL = 800n;
const part = (seed: string, i: number): string => accountOf(seed, `part ${i}`);

/** Weights rounded to the nearest, as the reference of the consensus has it. */
const nearest: Actor = voter(({ reference }) => {
  const accounts = [...reference.keys()];
  const weights = maxUpscale(accounts.map((account) => reference.get(account) ?? 0n));
  return new Map(
    accounts.flatMap((account, i) => (weights[i] === 0 ? [] : [[account, weights[i] ?? 0] as const])),
  );
});

/** The attacker's work on so many accounts; `pieces` of it are 1 / `of` each, and nothing is left over. */
const splitInto =
  (pieces: number) =>
  (work: Scores, seed: string): Seen => {
    const most = [...work.values()].reduce((a, b) => (a > b ? a : b), 0n);
    const whole = (most * SMALL) / 1_000_000n;
    const each = whole / BigInt(pieces);
    const parts = Array.from({ length: pieces }, (_, i): [string, bigint] => [
      part(seed, i),
      i === 0 ? whole - each * BigInt(pieces - 1) : each,
    ]);
    const all = new Map([...work, ...parts]);
    return { byVoters: all, bySettlers: all, byAttacker: all };
  };

export async function splitting(field: Field): Promise<Claim[]> {
  const game = (pieces: number, votes: Actor): Omit<Game, 'seed'> => ({
    stake: STAKE,
    voter: votes,
    seen: splitInto(pieces),
  });
  const arm = async (pieces: number, votes: Actor): Promise<Claim['evidence']> => {
    const whose: Side = (_, seed) => Array.from({ length: pieces }, (_, i) => part(seed, i));
    return { pairs: await field.pairs(game(pieces, votes), whose, game(1, votes)) };
  };
  const metric = 'income beside that of one account';
  const claims: Claim[] = [
    {
      attack: 'sybil splitting',
      side: 'control',
      what: '90 accounts with half a step of a weight each; weights rounded to the nearest',
      metric,
      evidence: await arm(90, nearest),
      must: { atLeast: 1.5 },
    },
  ];
  for (const pieces of [90, 10, 2]) {
    claims.push({
      attack: 'sybil splitting',
      side: 'defended',
      what: `${pieces} accounts`,
      metric,
      evidence: await arm(pieces, honest),
      must: { atMost: 1 },
    });
  }
  return claims;
}
