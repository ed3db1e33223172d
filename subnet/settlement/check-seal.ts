import { equalBytes, toHex } from '../../protocol/bytes.ts';
import type { Kysely } from 'kysely';
import { readEpoch, type EpochHeader } from '../../protocol/epoch.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { nextBeacon } from '../consensus/rounds/beacon.ts';
import { judgeVotes } from '../consensus/rounds/judge-votes.ts';
import { readBlock, scoresOf } from '../ledger/block-rows.ts';
import { statesDigest, weightsDigest } from '../ledger/digests.ts';
import { workWindow, type EpochRows, type LedgerState } from '../ledger/block.ts';
import { isDue, isOverdue, type Lot } from '../ledger/lots.ts';
import type { LedgerPolicy } from '../ledger/policy.ts';
import type { Seats } from '../ledger/seats.ts';
import type { Schema } from '../store/schema.ts';
import type { Score } from '../trust/score-epoch.ts';
import type { SpendingCheck } from './check-spending.ts';
import { punishedIn, readFactors, scoreProblem, scoresOfWork } from './own-scores.ts';
import type { Pooled, ReceiptPool } from './receipt-pool.ts';

/** What blocks are read by. */
export type BlockRules = { subnet: Uint8Array; policy: LedgerPolicy; policyDigest: Uint8Array };

/** What a validator makes of a sealed epoch by itself. */
export type Checked = {
  state: LedgerState;
  rows: EpochRows;
  pooled: Pooled;
  /** Scores by the receipts and the factors as they are now. */
  ownScores: Score[];
  beacon: Uint8Array;
  /** Why this validator would not sign a block of these rows; null where it would. */
  problem: {
    what: 'receipts' | 'scores' | 'lots' | 'beacon' | 'slots' | 'past' | 'spending';
    message: string;
  } | null;
};

/** Holds everything that a seal wrote against what the receipts, votes and policy say. */
export async function checkSeal(
  db: Kysely<Schema>,
  epoch: number,
  ledger: BlockRules,
  { pool, spending }: { pool: ReceiptPool; spending: SpendingCheck },
  /** Slots that an epoch may have at most. */
  epochSlots: number,
): Promise<Checked> {
  const { policy, subnet } = ledger;
  const { state, rows } = await readBlock(db, epoch, ledger);
  const validators = new Set<string>(rows.seats.seats.map(({ validator }) => validator));
  const pooled = await pool.read(db, epoch, validators);
  const factors = await readFactors(db);
  const punished = await punishedIn(db, epoch, policy.punishedEpochs);
  const ownScores = scoresOfWork(pooled.work, factors, punished);
  const next = await db
    .selectFrom('epochs')
    .select('beacon')
    .where('epoch', '=', epoch + 1)
    .executeTakeFirstOrThrow();
  const beacon = beaconAfter(rows, subnet);
  const problem = async (): Promise<Checked['problem']> => {
    const [bad] = pooled.problems;
    if (bad !== undefined)
      return {
        what: 'receipts',
        message: `the receipt of task ${bad.taskId} in the name of ${bad.validator}: ${bad.what}`,
      };
    const off = scoreProblem(rows.scores, pooled.work, factors, punished);
    if (off !== null) return { what: 'scores', message: off };
    const lots = await lotProblem(db, epoch, rows, policy);
    if (lots !== null) return { what: 'lots', message: lots };
    if (!equalBytes(next.beacon, beacon))
      return {
        what: 'beacon',
        message: `the beacon ${toHex(next.beacon)} does not follow from what was revealed`,
      };
    const past = await pastProblem(db, epoch, rows, state);
    if (past !== null) return { what: 'past', message: past };
    const spent = await spending.problem(db, { state, rows }, await headerOf(db, epoch - 1));
    if (spent !== null) return { what: 'spending', message: spent };
    if (rows.slots > epochSlots)
      return { what: 'slots', message: `${rows.slots} slots, an epoch has ${epochSlots}` };
    return null;
  };
  return { state, rows, pooled, ownScores, beacon, problem: await problem() };
}

/** Scores of a closed epoch; null where they are not those that its header commits to. */
export async function closedScores(db: Kysely<Schema>, epoch: number): Promise<Score[] | null> {
  const header = await headerOf(db, epoch);
  if (header === null) return null;
  const scores = await scoresOf(db, epoch, epoch);
  return equalBytes(weightsDigest(scores), header.weightsDigest) ? scores : null;
}

async function headerOf(db: Kysely<Schema>, epoch: number): Promise<EpochHeader | null> {
  const row = await db.selectFrom('epochs').select('payload').where('epoch', '=', epoch).executeTakeFirst();
  const read = row?.payload == null ? null : readEpoch(row.payload);
  return read?.ok === true ? read.value : null;
}

/** What earlier blocks left has to be what their headers commit to: others can write to this database. */
async function pastProblem(
  db: Kysely<Schema>,
  epoch: number,
  rows: EpochRows,
  state: LedgerState,
): Promise<string | null> {
  const window = workWindow(epoch, state.settledThrough, rows.seats);
  for (let paid = window.from; paid <= window.to && paid < epoch; paid++)
    if ((await closedScores(db, paid)) === null)
      return `the scores of epoch ${paid} are not those that its header commits to`;
  const before = await headerOf(db, epoch - 1);
  if (before !== null && !equalBytes(before.statesDigest, statesDigest(state.states)))
    return `the bonds are not those that epoch ${epoch - 1} left`;
  return null;
}

/** The beacon that the votes revealed in an epoch give to the next one. */
export function beaconAfter(
  rows: Pick<EpochRows, 'epoch' | 'beacon' | 'votes'> & { seats: Seats },
  subnet: Uint8Array,
): Uint8Array {
  const { commits, reveals } = rows.votes;
  const { beaconValues } = judgeVotes({
    subnet,
    epoch: rows.epoch - 1,
    seats: rows.seats.seats,
    commits: commits.map((commit) => ({ ...commit, validator: commit.validator as PeerId })),
    reveals: reveals.map((reveal) => ({ ...reveal, validator: reveal.validator as PeerId })),
    reference: new Map(),
  });
  return nextBeacon(rows.beacon, beaconValues);
}

/** Forfeits follow from penalties; nothing is released before it is due, nothing that is overdue is kept. */
async function lotProblem(
  db: Kysely<Schema>,
  epoch: number,
  rows: EpochRows,
  policy: LedgerPolicy,
): Promise<string | null> {
  const failed = new Set(rows.penalties.map(({ peer }) => peer));
  const name = ({ peer, epoch: of }: Lot): string => `the lot of ${peer} of epoch ${of}`;
  for (const lot of rows.forfeited)
    if (!failed.has(lot.peer)) return `${name(lot)} is forfeited without a proven failure`;
  const standings = await db.selectFrom('standings').select(['peer', 'kind', 'accepted']).execute();
  const accepted = new Map(standings.map((row) => [`${row.peer} ${row.kind}`, row.accepted]));
  for (const lot of rows.released) {
    if (failed.has(lot.peer)) return `${name(lot)} is released though it failed`;
    // Accepted units only grow: what is not due now was not due when it was sealed.
    if (!isDue(lot, { epoch, accepted: accepted.get(`${lot.peer} ${lot.mechanism}`) ?? 0 }, policy))
      return `${name(lot)} is released before it is due`;
  }
  const held = await db
    .selectFrom('lots')
    .select(['epoch', 'peer'])
    .where('ended_epoch', 'is', null)
    .execute();
  for (const lot of held) {
    if (failed.has(lot.peer)) return `the lot of ${lot.peer} of epoch ${lot.epoch} is not forfeited`;
    if (isOverdue(lot, epoch, policy)) return `the lot of ${lot.peer} of epoch ${lot.epoch} is overdue`;
  }
  return null;
}
