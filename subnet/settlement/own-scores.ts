import type { Kysely } from 'kysely';
import type { Schema } from '../store/schema.ts';
import { LATENCY_ONE } from '../trust/latency.ts';
import { PASS_ONE } from '../trust/pass-weight.ts';
import { quality } from '../trust/quality.ts';
import { scoreOf } from '../trust/score.ts';
import type { Score } from '../trust/score-epoch.ts';
import type { PooledWork } from './receipt-pool.ts';

/** The factors of an account and of a peer, now. */
export type Factors = {
  /** Audits by `account kind`. */
  audits: ReadonlyMap<string, { passed: number; failed: number }>;
  /** Latency by peer. */
  latency: ReadonlyMap<string, number>;
};

export async function readFactors(db: Kysely<Schema>): Promise<Factors> {
  const qualities = await db.selectFrom('qualities').selectAll().execute();
  const peers = await db.selectFrom('peers').select(['peer', 'latency']).execute();
  return {
    audits: new Map(
      qualities.map(({ account, kind, passed, failed }) => [
        `${account} ${kind}`,
        { passed: Math.floor(passed / PASS_ONE), failed },
      ]),
    ),
    latency: new Map(peers.map(({ peer, latency }) => [peer, latency])),
  };
}

/** Peers that score nothing in `epoch`: proven to have failed in it, or in one of the `punishedEpochs` before. */
export async function punishedIn(
  db: Kysely<Schema>,
  epoch: number,
  punishedEpochs: number,
): Promise<Set<string>> {
  const rows = await db
    .selectFrom('penalties')
    .select('peer')
    .distinct()
    .where('epoch', '<=', epoch)
    .where('epoch', '>=', epoch - punishedEpochs)
    .execute();
  return new Set(rows.map(({ peer }) => peer));
}

/** Scores of an epoch's work by its receipts alone and the factors as they are now; in the order that headers commit to. */
export const scoresOfWork = (
  work: readonly PooledWork[],
  { audits, latency }: Factors,
  punished: ReadonlySet<string>,
): Score[] =>
  work.map(({ kind, account, peer, work: done, lastIndex }) => {
    const { passed, failed } = audits.get(`${account} ${kind}`) ?? { passed: 0, failed: 0 };
    const q = quality(passed, failed);
    const late = latency.get(peer) ?? LATENCY_ONE;
    return {
      mechanism: kind,
      account,
      peer,
      quality: q,
      latency: late,
      weight: scoreOf(done, q, late, punished.has(peer)),
      lastIndex,
    };
  });

/** Audits of an account that may have come between a seal and the look at it, in either direction. */
const AUDITS_BETWEEN = 64;
/** By how much a peer's latency factor may have moved meanwhile: a dozen leases. */
const LATENCY_BETWEEN = LATENCY_ONE / 3;

/**
 * What differs between scores that somebody sealed and what the receipts say, or null. Work, punishment and index have to be
 * the same; the factors move on with every verdict, so that they are held to what can have changed since.
 */
export function scoreProblem(
  sealed: readonly Score[],
  work: readonly PooledWork[],
  factors: Factors,
  punished: ReadonlySet<string>,
): string | null {
  if (sealed.length !== work.length) return `${sealed.length} scores for the work of ${work.length} peers`;
  for (const [i, done] of work.entries()) {
    const score = sealed[i];
    if (
      score === undefined ||
      score.mechanism !== done.kind ||
      score.account !== done.account ||
      score.peer !== done.peer
    )
      return `no score where the receipts have work of ${done.peer} in ${done.kind}`;
    const { quality: q, latency, weight, lastIndex } = score;
    if (weight !== scoreOf(done.work, q, latency, punished.has(done.peer)) || lastIndex !== done.lastIndex)
      return `the score of ${done.peer} in ${done.kind} does not follow from its receipts`;
    const { passed, failed } = factors.audits.get(`${done.account} ${done.kind}`) ?? { passed: 0, failed: 0 };
    const least = quality(Math.max(0, passed - AUDITS_BETWEEN), failed + 1);
    const most = quality(passed + AUDITS_BETWEEN, Math.max(0, failed - 1));
    if (!punished.has(done.peer) && (q < least || q > most))
      return `the quality of ${done.account} in ${done.kind} is ${q}, by its audits it lies between ${least} and ${most}`;
    const known = factors.latency.get(done.peer) ?? LATENCY_ONE;
    if (Math.abs(known - latency) > LATENCY_BETWEEN)
      return `the latency factor of ${done.peer} is ${latency}, by its leases ${known}`;
  }
  return null;
}
