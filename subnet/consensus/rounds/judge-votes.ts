import { equalBytes } from '../../../protocol/bytes.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import type { VotePayload } from '../../../protocol/vote.ts';
import {
  openReveal,
  verifyCommit,
  voteCommitment,
  type SignedCommit,
  type SignedReveal,
  type VoteRound,
} from '../../../protocol/vote-round.ts';
import { nativeVerifier } from '../../keys/verifier.ts';
import { readRow, type Contradiction, type Row } from './contradiction.ts';
import { referenceOf, type Scores } from './reference.ts';

/** A validator's place in the subnet. `stake` in base units; `account` (hex) is paid its dividends. */
export type Seat = { validator: PeerId; stake: bigint; account: string };

/**
 * One round of votes as everybody who settles has it. `epoch` is that of the commits; `reference` is each account's score of
 * the work of the epoch before by the pooled receipts, by mechanism.
 */
export type RoundInput = VoteRound & {
  seats: readonly Seat[];
  commits: readonly SignedCommit[];
  reveals: readonly SignedReveal[];
  reference: ReadonlyMap<string, Scores>;
};

/**
 * `counted`: every row has a voice. `masked`: rows that contradict proven work have none, the others do. `withheld`: it
 * committed and did not show that vote. `equivocated`: it signed two. `absent`: it committed to nothing.
 */
export type Standing = 'counted' | 'masked' | 'withheld' | 'equivocated' | 'absent';

export type Verdict = {
  validator: PeerId;
  standing: Standing;
  /** A sentence for people. */
  reason: string;
  /** The rows without a voice, by mechanism. */
  masked: ReadonlyMap<string, Contradiction>;
};

export type Judgement = {
  /** One for each seat, in ascending order of validator. */
  verdicts: Verdict[];
  /** The rows that have a voice, by mechanism and validator. A mechanism for which nobody has one is not there. */
  rows: Map<string, Map<PeerId, Row>>;
  /** What each validator that revealed gives to the next beacon (32 bytes), in ascending order of validator. */
  beaconValues: Map<PeerId, Uint8Array>;
};

/**
 * Who has a voice in this round, and what it says. Never throws on what others sent: what is malformed, badly signed, of
 * another round or of nobody with a seat is as if it had not come. The order of seats, commits and reveals does not matter.
 */
export function judgeVotes(input: RoundInput): Judgement {
  const references = new Map([...input.reference].map(([name, scores]) => [name, referenceOf(scores)]));
  const nothing = referenceOf(new Map());
  const seats = input.seats.toSorted((a, b) => (a.validator < b.validator ? -1 : 1));
  const commits = commitsBySeat(input);
  const reveals = revealsBySeat(input);
  const judgement: Judgement = { verdicts: [], rows: new Map(), beaconValues: new Map() };

  for (const { validator } of seats) {
    const masked = new Map<string, Contradiction>();
    const verdict = (standing: Standing, reason: string): void =>
      void judgement.verdicts.push({ validator, standing, reason, masked });
    const committed = commits.get(validator) ?? [];
    const revealed = reveals.get(validator) ?? [];
    const [commitment] = committed;
    if (committed.length > 1) {
      verdict('equivocated', 'signed two different commitments');
      continue;
    }
    if (revealed.length > 1) {
      verdict('equivocated', 'signed two different votes');
      continue;
    }
    if (commitment === undefined) {
      verdict('absent', 'committed to no vote');
      continue;
    }
    const [reveal] = revealed;
    if (reveal === undefined || !equalBytes(reveal.commitment, commitment)) {
      verdict(
        'withheld',
        reveal === undefined ? 'did not show its vote' : 'showed another vote than it committed to',
      );
      continue;
    }
    judgement.beaconValues.set(validator, reveal.vote.beacon);
    for (const voted of reveal.vote.rows) {
      const { row, contradiction } = readRow(voted, references.get(voted.mechanism) ?? nothing);
      if (contradiction === null) rowsOf(judgement.rows, voted.mechanism).set(validator, row);
      else masked.set(voted.mechanism, contradiction);
    }
    if (masked.size === 0) verdict('counted', 'revealed what it committed to');
    else verdict('masked', [...masked].map(maskedText).join('; '));
  }
  return judgement;
}

const maskedText = ([mechanism, { code, account }]: [string, Contradiction]): string =>
  `${mechanism}: ${
    {
      UNPROVEN: 'pays an account without verified work',
      STARVED: 'gives an account less than 4/5 of its part of the verified work',
      OVERPAID: 'gives an account more than 5/4 of its part of the verified work',
    }[code]
  }, worst ${account}`;

function rowsOf(rows: Judgement['rows'], mechanism: string): Map<PeerId, Row> {
  const found = rows.get(mechanism) ?? new Map<PeerId, Row>();
  rows.set(mechanism, found);
  return found;
}

/** Two are enough to know that a validator says different things. */
const ENOUGH = 2;

/** The different commitments of each seat, two at most. */
function commitsBySeat(input: RoundInput): Map<PeerId, Uint8Array[]> {
  const found = new Map(input.seats.map(({ validator }) => [validator, [] as Uint8Array[]]));
  for (const commit of input.commits) {
    const list = found.get(commit.validator);
    if (list === undefined || list.length >= ENOUGH) continue;
    if (list.some((other) => equalBytes(other, commit.commitment))) continue;
    if (verifyCommit(input, commit, nativeVerifier)) list.push(commit.commitment);
  }
  return found;
}

type Revealed = { vote: VotePayload; commitment: Uint8Array };

/** The different votes of each seat, two at most. */
function revealsBySeat(input: RoundInput): Map<PeerId, Revealed[]> {
  const found = new Map(input.seats.map(({ validator }) => [validator, [] as Revealed[]]));
  for (const reveal of input.reveals) {
    const list = found.get(reveal.validator);
    if (list === undefined || list.length >= ENOUGH) continue;
    const commitment = voteCommitment(reveal.payload);
    if (list.some((other) => equalBytes(other.commitment, commitment))) continue;
    const opened = openReveal(input, reveal, nativeVerifier);
    if (opened.ok) list.push({ vote: opened.value, commitment });
  }
  return found;
}
