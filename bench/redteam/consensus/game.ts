import { decodeVote, type VotePayload } from '../../../protocol/vote.ts';
import { signCommit, signReveal, voteCommitment, type SignedReveal } from '../../../protocol/vote-round.ts';
import { SHARE_ONE } from '../../../subnet/consensus/consensus.ts';
import type { Row } from '../../../subnet/consensus/rounds/contradiction.ts';
import type { RoundInput } from '../../../subnet/consensus/rounds/judge-votes.ts';
import { EMPTY_STATE, nextShares } from '../../../subnet/consensus/rounds/mechanism.ts';
import type { Scores } from '../../../subnet/consensus/rounds/reference.ts';
import { YUMA_RULES } from '../../../subnet/consensus/yuma/rules.ts';
import { seedOf } from '../world/identities.ts';
import { honest, type Actor } from './actors.ts';
import { castOf, type Player } from './cast.ts';
import { ALL_DEFENCES, countedRows, type Defences } from './defences.ts';
import { MECHANISM, workloadOf } from './workload.ts';

/** Honest epochs before the attack, so that there are bonds to lose, and epochs of it. */
const WARM_UP = 6;
export const EPOCHS = 16;
/** Validators beside the attacker. */
export const HONEST = 4;

/** How everybody sees the work of an epoch, where an attack is on what was verified. */
export type Seen = { byVoters: Scores; bySettlers: Scores; byAttacker: Scores };

export type Game = {
  seed: string;
  /** The attacker's, of 100,000. The honest validators share the rest. */
  stake: number;
  defences?: Defences;
  /** What the attacker does instead of voting honestly; made anew for each game. */
  attacker?: (seed: string, players: readonly Player[]) => Actor;
  /** How everybody votes who is honest. */
  voter?: Actor;
  seen?: (work: Scores, seed: string) => Seen;
};

/** What each account earned while the attack went on: parts of one epoch's miners' or validators' emission. */
export type Income = ReadonlyMap<string, number>;

/** Plays a game on the product's own functions. A function of its seed. */
export async function play(game: Game): Promise<{ income: Income; players: Player[] }> {
  const { seed } = game;
  const players = await castOf(seed, game.stake, HONEST);
  const subnet = seedOf(seed, 'subnet');
  const voter = game.voter ?? honest;
  const attacker = game.attacker?.(seed, players) ?? voter;
  const income = new Map<string, number>();
  let state = EMPTY_STATE;
  let past: VotePayload[] = [];
  for (const [epoch, work] of workloadOf(seed, WARM_UP + EPOCHS).entries()) {
    const isAttacked = epoch >= WARM_UP;
    const all = { byVoters: work, bySettlers: work, byAttacker: work };
    const seen = (isAttacked ? game.seen?.(work, seed) : undefined) ?? all;
    const seats = players.map((own, i) => ({
      actor: i === 0 && isAttacked ? attacker : voter,
      sight: { subnet, epoch, own, past, reference: i === 0 ? seen.byAttacker : seen.byVoters },
    }));
    const { input, late, shown } = playRound(seats, seen.bySettlers);
    past = shown;
    const rows = countedRows(input, late, game.defences ?? ALL_DEFENCES);
    const reference = withColumns(seen.bySettlers, rows);
    const next = nextShares(state, { epoch, seats: input.seats, rows, reference, rules: YUMA_RULES });
    state = next.state;
    if (!isAttacked || next.shares === null) continue;
    for (const [account, share] of [...next.shares.miners, ...next.shares.validators]) {
      income.set(account, (income.get(account) ?? 0) + Number(share) / Number(SHARE_ONE));
    }
  }
  return { income, players };
}

type Played = { actor: Actor; sight: Parameters<Actor['commit']>[0] };

/** Everybody commits; the honest reveal; then the attacker, who comes first in the list, has seen their votes. */
function playRound(
  seats: readonly Played[],
  reference: Scores,
): { input: RoundInput; late: SignedReveal[]; shown: VotePayload[] } {
  const [{ sight } = { sight: undefined }] = seats;
  if (sight === undefined) throw new RangeError('seats: nobody plays');
  const { subnet, epoch } = sight;
  const input = {
    subnet,
    epoch,
    seats: seats.map(({ sight: { own } }) => ({
      validator: own.peer,
      stake: own.stake,
      account: own.account,
    })),
    commits: [] as RoundInput['commits'][number][],
    reveals: [] as SignedReveal[],
    reference: new Map([[MECHANISM, reference]]),
  };
  const late: SignedReveal[] = [];
  const shown: VotePayload[] = [];
  for (const { actor, sight: seen } of seats.toReversed()) {
    const { peer, signer } = seen.own;
    const committed = actor.commit(seen);
    for (const payload of committed) {
      const commitment = voteCommitment(payload);
      input.commits.push(signCommit({ subnet, epoch, validator: peer, commitment }, signer));
    }
    const votes = actor.reveal(seen, committed, shown);
    const sign = (payload: Uint8Array): SignedReveal => signReveal(peer, payload, signer);
    input.reveals.push(...votes.inTime.map(sign));
    late.push(...votes.late.map(sign));
    if (seen === sight) continue;
    shown.push(...votes.inTime.flatMap((payload) => votesIn(payload)));
  }
  return { input, late, shown };
}

function votesIn(payload: Uint8Array): VotePayload[] {
  const vote = decodeVote(payload);
  return vote.ok ? [vote.value] : [];
}

/** Without masks votes on accounts that did nothing count too; the product has no columns for them. */
const withColumns = (scores: Scores, rows: ReadonlyMap<string, Row>): Scores =>
  new Map([
    ...[...rows.values()].flatMap(({ accounts }) => accounts.map((account) => [account, 1n] as const)),
    ...scores,
  ]);
