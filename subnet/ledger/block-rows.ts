import type { Kysely } from 'kysely';
import { epochHash } from '../../protocol/epoch.ts';
import { breather, type Breather } from '../store/breather.ts';
import type { Schema } from '../store/schema.ts';
import type { Score } from '../trust/score-epoch.ts';
import { auditKeysOf } from './audit-keys.ts';
import { auditRevealEpoch, workWindow, type EpochRows, type LedgerState } from './block.ts';
import type { VoteRows } from './block-shares.ts';
import { penaltiesOf } from './digests.ts';
import { readSpendable } from './holdings.ts';
import { nameOf, type Lot } from './lots.ts';
import type { LedgerPolicy } from './policy.ts';
import { seatsAt } from './seats.ts';

type Db = Kysely<Schema>;

/** The rows of a sealed epoch, and the state that the blocks before it left. */
export async function readBlock(
  db: Db,
  epoch: number,
  ledger: { subnet: Uint8Array; policy: LedgerPolicy; policyDigest: Uint8Array },
): Promise<{ state: LedgerState; rows: EpochRows }> {
  const breathe = breather();
  const { policy, policyDigest, subnet } = ledger;
  const row = await db
    .selectFrom('epochs')
    .select(['beacon', 'slots'])
    .where('epoch', '=', epoch)
    .executeTakeFirstOrThrow();
  const seats = await seatsAt(db, epoch, { owner: policy.owner, subnet });
  const settledThrough = Number((await meta(db, 'settled_through')) ?? '-1');
  const window = workWindow(epoch, settledThrough, seats);
  const { released, forfeited } = await endedLots(db, epoch, window);
  const commits = await auditKeysOf(db, epoch, epoch);
  const revealed = await auditKeysOf(db, auditRevealEpoch(epoch, policy, seats), epoch);
  const state: LedgerState = {
    issued: BigInt((await meta(db, 'issued')) ?? '0'),
    previous: await headerHash(db, epoch - 1),
    settledThrough,
    holdings: await readSpendable(db),
    held: await heldLots(db),
    states: await readStates(db),
  };
  const rows: EpochRows = {
    epoch,
    ...row,
    seats,
    policy,
    policyDigest,
    receiptHashes: await receiptHashes(db, epoch, breathe),
    scores: await scoresOf(db, epoch, epoch),
    paidScores: merged(await scoresOf(db, window.from, window.to)),
    penalties: await penaltiesOf(db, epoch),
    failedSince: await failedSince(db, window.to, epoch),
    released,
    forfeited,
    auditCommitments: commits,
    auditRevealed: revealed,
    operations: await operationHashes(db, epoch),
    expiredHolds: await expiredHolds(db, epoch),
    votes: await votesOf(db, epoch - 1),
  };
  return { state, rows };
}

export async function meta(db: Db, key: string): Promise<string | undefined> {
  return (await db.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst())?.value;
}

async function headerHash(db: Db, epoch: number): Promise<Uint8Array> {
  if (epoch < 0) return new Uint8Array(32);
  const row = await db.selectFrom('epochs').select('payload').where('epoch', '=', epoch).executeTakeFirst();
  if (row?.payload == null) throw new Error(`ledger: epoch ${epoch} is not closed yet`);
  return epochHash({ payload: row.payload });
}

/** Receipt hashes read at a time: a millisecond's worth. */
const PAGE = 1_000;

async function receiptHashes(db: Db, epoch: number, breathe: Breather): Promise<Uint8Array[]> {
  const hashes: Uint8Array[] = [];
  for await (const page of receiptHashPages(db, epoch)) {
    hashes.push(...page);
    await breathe();
  }
  return hashes;
}

/** Hashes of an epoch's receipts in ascending order, page by page, since there may be hundreds of thousands. */
export async function* receiptHashPages(db: Db, epoch: number): AsyncGenerator<Uint8Array[], void, void> {
  for (let after: Uint8Array | null = new Uint8Array(0); after !== null;) {
    const page: { hash: Uint8Array }[] = await db
      .selectFrom('receipts')
      .select('hash')
      .where('epoch', '=', epoch)
      .where('hash', '>', after)
      .orderBy('hash')
      .limit(PAGE)
      .execute();
    yield page.map(({ hash }) => hash);
    after = page.length < PAGE ? null : (page.at(-1)?.hash ?? null);
  }
}

/** Scores of some epochs' work, in ascending order of mechanism, account, peer, epoch. */
export async function scoresOf(db: Db, from: number, to: number): Promise<Score[]> {
  const rows = await db
    .selectFrom('weights')
    .select(['mechanism', 'account', 'peer', 'quality', 'latency', 'weight', 'last_index'])
    .where('epoch', '>=', from)
    .where('epoch', '<=', to)
    .orderBy('mechanism')
    .orderBy('account')
    .orderBy('peer')
    .orderBy('epoch')
    .execute();
  return rows.map(({ weight, last_index, ...row }) => ({
    ...row,
    weight: BigInt(weight),
    lastIndex: last_index,
  }));
}

/** One score for each peer, where the work of several epochs is paid for at once. */
export function merged(scores: readonly Score[]): Score[] {
  const byPeer = new Map<string, Score>();
  for (const score of scores) {
    const key = `${score.mechanism} ${score.account} ${score.peer}`;
    const before = byPeer.get(key);
    byPeer.set(key, before === undefined ? score : { ...score, weight: before.weight + score.weight });
  }
  return [...byPeer.values()];
}

async function failedSince(db: Db, workEpoch: number, epoch: number): Promise<Set<string>> {
  const rows = await db
    .selectFrom('penalties')
    .select('peer')
    .where('epoch', '>', workEpoch)
    .where('epoch', '<=', epoch)
    .execute();
  return new Set(rows.map(({ peer }) => peer));
}

const lotColumns = ['epoch', 'mechanism', 'account', 'peer', 'amount', 'last_index', 'ended_as'] as const;

/** Lots that the seal of `epoch` ended; not those which its block makes and forfeits at once. */
async function endedLots(
  db: Db,
  epoch: number,
  window: { from: number; to: number },
): Promise<{ released: Lot[]; forfeited: Lot[] }> {
  const rows = await db
    .selectFrom('lots')
    .select(lotColumns)
    .where('ended_epoch', '=', epoch)
    .where('epoch', '<', window.from)
    .execute();
  const ofRows = (how: string): Lot[] =>
    rows
      .filter(({ ended_as }) => ended_as === how)
      .map(({ amount, last_index, ended_as: _how, ...lot }) => ({
        ...lot,
        amount: BigInt(amount),
        lastIndex: last_index,
      }))
      .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return { released: ofRows('release'), forfeited: ofRows('forfeit') };
}

async function heldLots(db: Db): Promise<{ account: string; amount: bigint }[]> {
  const rows = await db
    .selectFrom('lots')
    .select(['account', 'amount'])
    .where('ended_epoch', 'is', null)
    .execute();
  return rows.map(({ account, amount }) => ({ account, amount: BigInt(amount) }));
}

async function readStates(db: Db): Promise<Map<string, Uint8Array>> {
  const rows = await db.selectFrom('consensus_states').select(['mechanism', 'payload']).execute();
  return new Map(rows.map(({ mechanism, payload }) => [mechanism, payload]));
}

async function operationHashes(db: Db, epoch: number): Promise<Uint8Array[]> {
  const rows = await db
    .selectFrom('operations')
    .select('hash')
    .where('epoch', '=', epoch)
    .orderBy('id')
    .execute();
  return rows.map(({ hash }) => hash);
}

async function expiredHolds(
  db: Db,
  epoch: number,
): Promise<{ hold: Uint8Array; account: string; amount: bigint }[]> {
  const rows = await db
    .selectFrom('holds')
    .select(['hold', 'account', 'amount'])
    .where('ended_epoch', 'is', null)
    .where('expires_epoch', '<=', epoch)
    .orderBy('hold')
    .execute();
  return rows.map(({ amount, ...hold }) => ({ ...hold, amount: BigInt(amount) }));
}

/** What was committed to in an epoch, in the order that blocks and exports have it. */
export const voteCommitsOf = (db: Db, committedIn: number): Promise<VoteRows['commits']> =>
  db
    .selectFrom('vote_commits')
    .select(['validator', 'commitment', 'signature'])
    .where('epoch', '=', committedIn)
    .orderBy('validator')
    .orderBy('commitment')
    .execute();

async function votesOf(db: Db, committedIn: number): Promise<VoteRows> {
  const commits = await voteCommitsOf(db, committedIn);
  const reveals = await db
    .selectFrom('vote_reveals')
    .select(['validator', 'payload', 'signature'])
    .where('epoch', '=', committedIn)
    .orderBy('validator')
    .orderBy('hash')
    .execute();
  return { commits, reveals };
}
