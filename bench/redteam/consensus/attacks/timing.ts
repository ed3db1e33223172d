import { hashCbor } from '../../../../protocol/cbor.ts';
import type { PeerId } from '../../../../protocol/ids.ts';
import { decodeVote, weightsFromScores } from '../../../../protocol/vote.ts';
import { nextBeacon } from '../../../../subnet/consensus/rounds/beacon.ts';
import { ballot, medianOf, voter, type Actor } from '../actors.ts';
import type { Claim } from '../claims.ts';
import { without } from '../defences.ts';
import { dividends, type Field } from '../field.ts';
import { play } from '../game.ts';

/** A fifth: as much as everybody else. */
const STAKE = 20_000;
const metric = 'dividends beside honest votes';

/** Votes what most voted an epoch ago. */
const stale = (): Actor => voter(({ past }) => medianOf(past));
/** Waits for the others, then votes what most of them do. */
const live = (): Actor => ({
  commit: () => [],
  reveal: (sight, _, others) => ({ inTime: [], late: [ballot(sight, medianOf(others))] }),
});

export async function weightCopying(field: Field): Promise<Claim[]> {
  const attack = 'weight copying';
  return [
    {
      attack,
      side: 'control',
      what: 'votes are open: copies what the others vote now',
      metric,
      evidence: {
        pairs: await field.pairs(
          { stake: STAKE, attacker: live, defences: without('commitments', 'deadline') },
          dividends,
        ),
      },
      must: { atLeast: 0.98 },
    },
    {
      attack,
      side: 'defended',
      what: 'commit and reveal alone, no masks: copies what they voted an epoch ago',
      metric,
      evidence: {
        pairs: await field.pairs({ stake: STAKE, attacker: stale, defences: without('masks') }, dividends),
      },
      must: { atMost: 0.98 },
    },
    {
      attack,
      side: 'defended',
      what: 'copies what they voted an epoch ago',
      metric,
      evidence: { pairs: await field.pairs({ stake: STAKE, attacker: stale }, dividends) },
      must: { atMost: 0.8 },
    },
  ];
}

/** Commits to two votes and shows both, in this order or in the other. */
const twice = (order: 1 | -1) => (): Actor => ({
  commit: (sight) => [
    ballot(sight, weightsFromScores(sight.reference)),
    ballot(sight, medianOf(sight.past), 1),
  ],
  reveal: (_, committed) => ({ inTime: order === 1 ? [...committed] : committed.toReversed(), late: [] }),
});

export async function equivocation(field: Field): Promise<Claim[]> {
  const attack = 'equivocation';
  const claims: Claim[] = [];
  for (const isDefended of [false, true]) {
    const defences = isDefended ? without() : without('oneVote', 'masks');
    const pairs = [];
    for (const seed of field.seeds) {
      const [one, other] = await Promise.all(
        ([1, -1] as const).map((order) => play({ seed, stake: STAKE, attacker: twice(order), defences })),
      );
      const isSame = JSON.stringify([...(one?.income ?? [])]) === JSON.stringify([...(other?.income ?? [])]);
      pairs.push({ gained: isSame ? 0 : 1, honest: 1 });
    }
    claims.push(
      {
        attack,
        side: isDefended ? 'defended' : 'control',
        what: `shows two votes${isDefended ? '' : ', no masks, the last one counts'}; settlers get them in different order`,
        metric: 'games in which they disagree on what is paid',
        evidence: { pairs },
        must: isDefended ? { atMost: 0 } : { atLeast: 1 },
      },
      {
        attack,
        side: isDefended ? 'defended' : 'control',
        what: `shows two votes${isDefended ? '' : ', no masks, the last one counts'}`,
        metric,
        evidence: { pairs: await field.pairs({ stake: STAKE, attacker: twice(-1), defences }, dividends) },
        must: isDefended ? { atMost: 0 } : { atLeast: 0.9 },
      },
    );
  }
  return claims;
}

/** Commits in time, and shows that vote when the round is over, or another one. */
const late = (isCopy: boolean) => (): Actor => ({
  commit: (sight) => [ballot(sight, isCopy ? medianOf(sight.past) : weightsFromScores(sight.reference))],
  reveal: (sight, committed, others) => ({
    inTime: [],
    late: isCopy ? [ballot(sight, medianOf(others), 1)] : [...committed],
  }),
});

export async function lateReveal(field: Field): Promise<Claim[]> {
  const attack = 'late reveal';
  const arm = async (what: string, isCopy: boolean, off: Parameters<typeof without>): Promise<Claim> => ({
    attack,
    side: off.length > 0 ? 'control' : 'defended',
    what: `${what}${off.length > 0 ? '; no deadline' : ''}`,
    metric,
    evidence: {
      pairs: await field.pairs(
        { stake: STAKE, attacker: late(isCopy), defences: without(...off) },
        dividends,
      ),
    },
    must: off.length > 0 ? { atLeast: 0.98 } : { atMost: 0 },
  });
  return [
    await arm('shows its vote when the others have', false, ['deadline']),
    await arm('shows its vote when the others have', false, []),
    await arm('shows a copy of the others’ votes, not what it committed to', true, [
      'deadline',
      'commitments',
    ]),
    await arm('shows a copy of the others’ votes, not what it committed to', true, []),
  ];
}

/** Wins when the next beacon is even; chooses between being in it and being out of it. */
function chooser(tally: { won: number; rounds: number }): Actor {
  let beacon: Uint8Array = hashCbor('genesis');
  return {
    commit: (sight) => [ballot(sight, weightsFromScores(sight.reference))],
    reveal: (_, committed, others) => {
      const votes = committed.flatMap((payload) => {
        const vote = decodeVote(payload);
        return vote.ok ? [vote.value] : [];
      });
      const from = (list: typeof others): Uint8Array =>
        nextBeacon(beacon, new Map<PeerId, Uint8Array>(list.map((vote) => [vote.validator, vote.beacon])));
      const isWon = (one: Uint8Array): boolean => (one[0] ?? 0) % 2 === 0;
      const [inside, outside] = [from([...others, ...votes]), from(others)];
      const stays = isWon(inside) || !isWon(outside);
      beacon = stays ? inside : outside;
      tally.rounds += 1;
      tally.won += isWon(beacon) ? 1 : 0;
      return stays ? { inTime: [...committed], late: [] } : { inTime: [], late: [...committed] };
    },
  };
}

export async function withheldReveal(field: Field): Promise<Claim[]> {
  const attack = 'withheld reveal';
  const claims: Claim[] = [];
  for (const isDefended of [false, true]) {
    const tally = { won: 0, rounds: 0 };
    const defences = isDefended ? without() : without('deadline');
    const attacker = (): Actor => chooser(tally);
    const pairs = await field.pairs({ stake: STAKE, attacker, defences }, dividends);
    claims.push({
      attack,
      side: isDefended ? 'defended' : 'control',
      what: `shows its vote only when it likes the beacon that comes of it${isDefended ? '' : '; votes shown later still count'}`,
      metric,
      evidence: { pairs },
      must: isDefended ? { atMost: 0.9 } : { atLeast: 0.98 },
    });
    if (!isDefended) continue;
    claims.push({
      attack,
      side: 'shown',
      what: 'the same: a coin of the beacon falls as it likes, 3 / 4 instead of 1 / 2',
      metric: 'epochs that it wins',
      evidence: { successes: tally.won, trials: tally.rounds },
      must: { around: 0.75 },
    });
  }
  return claims;
}
