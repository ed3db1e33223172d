import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../../protocol/cbor.ts';
import { encodeVote, type VoteWeights } from '../../../protocol/vote.ts';
import { judgeVotes, type Judgement, type RoundInput } from './judge-votes.ts';
import {
  account,
  at,
  bytesOf,
  commitTo,
  EPOCH,
  honestWeights,
  revealOf,
  roundOf,
  scoresOf,
  validatorOf,
  voteOf,
} from './round.fixture.ts';

const stranger = await validatorOf('stranger');
const reference = new Map([
  ['hash', scoresOf({ 1: 100n, 2: 50n })],
  ['infer', scoresOf({ 1: 10n, 3: 30n })],
]);
const honest = honestWeights(reference);
const round = roundOf([40, 30, 20], reference);
const payloadOf = (i: number, changes = {}): Uint8Array => encodeVote(voteOf(i, honest, changes));
const standings = ({ verdicts }: Judgement): string[] => verdicts.map(({ standing }) => standing);
const voices = ({ rows }: Judgement, mechanism = 'hash'): string[] => [
  ...(rows.get(mechanism)?.keys() ?? []),
];
const peers = (...numbers: number[]): string[] => numbers.map((i) => at(i).peer);

describe('a round of votes', () => {
  it('gives everybody a voice that committed and revealed an honest vote', () => {
    const judged = judgeVotes(round);
    expect(standings(judged)).toEqual(['counted', 'counted', 'counted']);
    expect(voices(judged)).toEqual(peers(0, 1, 2));
    expect(judged.rows.get('infer')?.get(at(1).peer)).toEqual({
      accounts: [account(1), account(3)].sort(),
      weights: expect.any(Uint16Array) as Uint16Array,
    });
    expect([...judged.beaconValues]).toEqual([0, 1, 2].map((i) => [at(i).peer, bytesOf('beacon', i)]));
  });

  const without = (list: 'commits' | 'reveals', i: number): RoundInput => ({
    ...round,
    [list]: round[list].filter(({ validator }) => validator !== at(i).peer),
  });
  const salted = payloadOf(1, { salt: bytesOf('another') });
  it.each<[string, RoundInput]>([
    ['absent', without('commits', 1)],
    ['withheld', without('reveals', 1)],
    [
      'withheld',
      { ...without('reveals', 1), reveals: [...without('reveals', 1).reveals, revealOf(1, salted)] },
    ],
    [
      'withheld',
      { ...without('commits', 1), commits: [...without('commits', 1).commits, commitTo(1, salted)] },
    ],
    ['equivocated', { ...round, commits: [...round.commits, commitTo(1, salted)] }],
    ['equivocated', { ...round, reveals: [...round.reveals, revealOf(1, salted)] }],
    ['equivocated', { ...round, reveals: [revealOf(1, salted), ...round.reveals] }],
  ])('gives no voice to who is %s, and no part in the beacon', (standing, input) => {
    const judged = judgeVotes(input);
    expect(standings(judged)).toEqual(['counted', standing, 'counted']);
    expect(voices(judged)).toEqual(peers(0, 2));
    expect([...judged.beaconValues.keys()]).toEqual(peers(0, 2));
  });

  it('takes what comes twice for once', () => {
    const twice = {
      ...round,
      commits: [...round.commits, ...round.commits],
      reveals: [...round.reveals, ...round.reveals],
    };
    expect(judgeVotes(twice)).toEqual(judgeVotes(round));
  });

  it('does not depend on who comes first', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...round.seats], { minLength: 3 }),
        fc.shuffledSubarray([...round.commits], { minLength: 3 }),
        fc.shuffledSubarray([...round.reveals], { minLength: 3 }),
        (seats, commits, reveals) => {
          const judged = judgeVotes({ ...round, seats, commits, reveals });
          expect(judged).toEqual(judgeVotes(round));
          expect(voices(judged)).toEqual(peers(0, 1, 2));
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('what counts as not sent', () => {
  const named = { validator: stranger.peer };
  const payload = payloadOf(1);
  const cases: [string, Partial<RoundInput>][] = [
    ['a commit of nobody with a seat', { commits: [{ ...commitTo(1, payload), ...named }] }],
    ['a reveal of nobody with a seat', { reveals: [{ ...revealOf(1, payload), ...named }] }],
    ['a commit in another’s name', { commits: [{ ...commitTo(2, payload), validator: at(1).peer }] }],
    ['a commit of another epoch', { commits: [commitTo(1, payload, EPOCH - 1)] }],
    ['a reveal in another’s name', { reveals: [{ ...revealOf(2, payloadOf(2)), validator: at(1).peer }] }],
    ['another’s vote', { reveals: [revealOf(1, payloadOf(2))] }],
    ['a vote of another epoch', { reveals: [revealOf(1, payloadOf(1, { epoch: EPOCH - 1 }))] }],
    ['a vote of another subnet', { reveals: [revealOf(1, payloadOf(1, { subnet: bytesOf('x') }))] }],
    ['a vote that cannot be read', { reveals: [revealOf(1, encodeCbor({ a: 1 }))] }],
    ['bytes', { reveals: [revealOf(1, new Uint8Array(9))] }],
    [
      'signatures of the wrong length',
      { commits: [{ ...commitTo(1, bytesOf('y')), signature: new Uint8Array(3) }] },
    ],
  ];
  it.each(cases)('%s changes nothing', (_, more) => {
    const input = {
      ...round,
      commits: [...(more.commits ?? []), ...round.commits],
      reveals: [...(more.reveals ?? []), ...round.reveals],
    };
    expect(judgeVotes(input)).toEqual(judgeVotes(round));
  });

  it('a commitment that was another’s cannot be revealed', () => {
    const copied = { ...round, commits: round.commits.slice(0, 2).concat(commitTo(2, payloadOf(0))) };
    const judged = judgeVotes({
      ...copied,
      reveals: [...round.reveals.slice(0, 2), revealOf(2, payloadOf(0))],
    });
    expect(standings(judged)).toEqual(['counted', 'counted', 'withheld']);
  });
});

describe('a vote against proven work', () => {
  const against = (weights: VoteWeights): Judgement =>
    judgeVotes(roundOf([40, 30, 20], reference, [honest, weights, honest]));

  it('has no voice in that mechanism, and keeps it in the other', () => {
    const judged = against(new Map([...honest, ['hash', new Map([[account(9), 65_535]])]]));
    expect(standings(judged)).toEqual(['counted', 'masked', 'counted']);
    expect(voices(judged, 'hash')).toEqual(peers(0, 2));
    expect(voices(judged, 'infer')).toEqual(peers(0, 1, 2));
    expect(judged.verdicts[1]?.masked).toEqual(
      new Map([['hash', { code: 'UNPROVEN', account: account(9) }]]),
    );
    expect(judged.verdicts[1]?.reason).toContain(account(9));
    expect(judged.beaconValues.size).toBe(3);
  });

  it('is one in a mechanism that nobody has worked in', () => {
    const judged = against(new Map([...honest, ['other', new Map([[account(1), 65_535]])]]));
    expect([...(judged.verdicts[1]?.masked.keys() ?? [])]).toEqual(['other']);
    expect(judged.rows.has('other')).toBe(false);
  });

  it('has no voice where it has no row', () => {
    const judged = against(new Map([...honest].filter(([name]) => name === 'infer')));
    expect(standings(judged)).toEqual(['counted', 'counted', 'counted']);
    expect(voices(judged, 'hash')).toEqual(peers(0, 2));
  });
});
