import type { EpochHeader } from '../../protocol/epoch.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { rootOf } from '../../protocol/merkle.ts';
import type { Score } from '../trust/score-epoch.ts';
import { sharesOfVotes, type VoteRows } from './block-shares.ts';
import {
  auditKeysDigest,
  operationsDigest,
  penaltiesDigest,
  receiptsRoot,
  settlementDigest,
  statesDigest,
  votesDigest,
  weightsDigest,
  type AuditKeyRow,
  type Penalty,
  type VoteFate,
} from './digests.ts';
import { addTo, holdingsTree, inAccountOrder, type HoldingsByAccount } from './holdings.ts';
import { linesOf, lotsOf, type Lot } from './lots.ts';
import type { LedgerPolicy } from './policy.ts';
import type { Seats } from './seats.ts';
import { creditedTo, inOrder, settle, type SettlementLine } from './settle.ts';

/** Where the blocks up to an epoch have brought the ledger. */
export type LedgerState = {
  /** Base units out. */
  issued: bigint;
  /** Hash of the last header; 32 zero bytes before the first. */
  previous: Uint8Array;
  /** The last epoch whose work was paid for; −1 before any. */
  settledThrough: number;
  /** What is spendable and on hold after the epoch's own operations; escrow left out. */
  holdings: HoldingsByAccount;
  /** Lots that are held, those that this epoch ends left out. */
  held: readonly Pick<Lot, 'account' | 'amount'>[];
  /** Bonds by mechanism. */
  states: ReadonlyMap<string, Uint8Array>;
};

/** Everything that an epoch's block is made of beside the state before it. */
export type EpochRows = {
  epoch: number;
  beacon: Uint8Array;
  slots: number;
  seats: Seats;
  policy: LedgerPolicy;
  policyDigest: Uint8Array;
  /** In ascending order. */
  receiptHashes: readonly Uint8Array[];
  /** Scores by the epoch's receipts, in ascending order of mechanism, account, peer. */
  scores: readonly Score[];
  /** Scores of the work that this block pays for: `workWindow`. */
  paidScores: readonly Score[];
  penalties: readonly Penalty[];
  /** Peers proven to have failed after that work was done: their part of it is forfeited as it is paid. */
  failedSince: ReadonlySet<string>;
  /** Lots that end here. */
  released: readonly Lot[];
  forfeited: readonly Lot[];
  auditCommitments: readonly Omit<AuditKeyRow, 'audit_key'>[];
  auditRevealed: readonly Omit<AuditKeyRow, 'commitment'>[];
  /** Hashes of the epoch's operations, in the order they were done. */
  operations: readonly Uint8Array[];
  /** Holds that nobody paid in time, and that go back. */
  expiredHolds: readonly { hold: Uint8Array; account: string; amount: bigint }[];
  votes: VoteRows;
};

export type Block = {
  header: EpochHeader;
  lines: SettlementLine[];
  /** New lots; those in `failed` are forfeited at once. */
  lots: Lot[];
  failed: ReadonlySet<string>;
  states: ReadonlyMap<string, Uint8Array>;
  fates: readonly VoteFate[];
  /** What every account owns after this block. */
  holdings: HoldingsByAccount;
  settledThrough: number;
};

/** Votes are committed in the epoch after the work and revealed in the one after that; one validator has nobody to hide from. */
export const lagOf = (seats: Seats): number => (seats.seats.length > 1 ? 2 : 0);

/** The epochs whose work the block of `epoch` pays for, first and last: empty (from > to) where none is. */
export const workWindow = (
  epoch: number,
  settledThrough: number,
  seats: Seats,
): { from: number; to: number } => ({ from: settledThrough + 1, to: epoch - lagOf(seats) });

/** The epoch whose audit keys a block publishes: one later where each validator has to publish its own. */
export const auditRevealEpoch = (epoch: number, { vestingEpochs }: LedgerPolicy, seats: Seats): number =>
  epoch - vestingEpochs - (seats.seats.length > 1 ? 1 : 0);

/**
 * The block of an epoch: what its rows move, and the header that commits to all of them. Pure, so that whoever settles, whoever
 * countersigns and whoever audits compute the same bytes.
 */
export function computeBlock(
  subnet: Uint8Array,
  state: LedgerState,
  rows: EpochRows,
  settler: { validator: PeerId; closedAtMs: number },
): Block {
  const { epoch, policy, seats } = rows;
  const window = workWindow(epoch, state.settledThrough, seats);
  const { shares, states, fates } = sharesOfVotes({
    ...rows,
    subnet,
    states: state.states,
    // In the first epochs of a set there is no work that its votes could be about.
    votable: window.from <= window.to,
  });
  const settled = settle({
    issued: state.issued,
    slots: rows.slots,
    owner: policy.owner,
    mechanisms: policy.mechanisms,
    shares,
  });
  const lots = lotsOf(window.to, settled.lines, rows.paidScores);
  const forfeits = [...rows.forfeited, ...lots.filter(({ peer }) => rows.failedSince.has(peer))];
  const lines = inOrder([
    ...settled.lines,
    ...linesOf('release', rows.released),
    ...linesOf('forfeit', forfeits),
  ]);

  const holdings: HoldingsByAccount = new Map(state.holdings);
  for (const { account, amount } of rows.expiredHolds) {
    addTo(holdings, account, 'onHold', -amount);
    addTo(holdings, account, 'spendable', amount);
  }
  for (const line of lines) {
    const account = creditedTo(line);
    if (account !== null) addTo(holdings, account, 'spendable', line.amount);
  }
  for (const { account, amount } of state.held) addTo(holdings, account, 'escrow', amount);
  for (const { account, amount, peer } of lots)
    if (!rows.failedSince.has(peer)) addTo(holdings, account, 'escrow', amount);

  const header: EpochHeader = {
    subnet,
    validator: settler.validator,
    epoch,
    previous: state.previous,
    beacon: rows.beacon,
    validatorsDigest: seats.digest,
    policyDigest: rows.policyDigest,
    auditKeysDigest: auditKeysDigest(rows.auditCommitments, rows.auditRevealed),
    receipts: receiptsRoot(rows.receiptHashes),
    weightsDigest: weightsDigest(rows.scores),
    votesDigest: votesDigest(fates),
    statesDigest: statesDigest(states),
    penaltiesDigest: penaltiesDigest(rows.penalties),
    operationsDigest: operationsDigest(rows.operations),
    settlementDigest: settlementDigest(lines),
    balances: rootOf(holdingsTree(inAccountOrder(holdings))),
    slots: rows.slots,
    issued: settled.issued,
    totalIssued: state.issued + settled.issued,
    closedAtMs: settler.closedAtMs,
  };
  return {
    header,
    lines,
    lots,
    failed: rows.failedSince,
    states,
    fates,
    holdings,
    settledThrough: Math.max(state.settledThrough, window.to),
  };
}
