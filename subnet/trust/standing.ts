import type { Kysely } from 'kysely';
import { KIND_NAMES, type KindName } from '../../protocol/kinds/registry.ts';
import type { LedgerFromNode } from '../../protocol/messages.ts';
import type { Schema } from '../store/schema.ts';
import { auditRate, certainly } from './audit-rate.ts';
import { LATENCY_ONE } from './latency.ts';
import type { TrustPolicy } from './policy.ts';
import { PASS_ONE } from './pass-weight.ts';
import { quality } from './quality.ts';
import { readStanding } from './standing-rows.ts';

export type StandingMessage = Extract<LedgerFromNode, { type: 'standing' }>;
type KindStanding = StandingMessage['kinds'][number];
type Who = { peer: string; account: string; epoch: number };

/** How the validator sees a tab, without money and bursts. */
export async function standingOf(
  db: Kysely<Schema>,
  policy: TrustPolicy,
  who: Who,
): Promise<Pick<StandingMessage, 'kinds' | 'latencyPpm' | 'strikes' | 'punishedUntilEpoch'>> {
  const peer = await db
    .selectFrom('peers')
    .select(['latency', 'strikes', 'punished_until'])
    .where('peer', '=', who.peer)
    .executeTakeFirst();
  const punishedUntil = peer?.punished_until ?? 0;
  const punished = punishedUntil > who.epoch;
  const kinds: KindStanding[] = [];
  for (const kind of KIND_NAMES) kinds.push(await inKind(db, policy, who, kind, punished));
  return {
    kinds,
    latencyPpm: Math.round(((peer?.latency ?? LATENCY_ONE) * 1_000_000) / LATENCY_ONE),
    strikes: peer?.strikes ?? 0,
    punishedUntilEpoch: punished ? punishedUntil : 0,
  };
}

async function inKind(
  db: Kysely<Schema>,
  policy: TrustPolicy,
  { peer, account, epoch }: Who,
  kind: KindName,
  punished: boolean,
): Promise<KindStanding> {
  const standing = await readStanding(db, { peer, kind, epoch }, policy);
  const { accepted, escrow, escrowFrom, suspectLeft } = standing;
  const { unvested } = await db
    .selectFrom('receipts')
    .select((eb) => eb.fn.countAll<number>().as('unvested'))
    .where('peer', '=', peer)
    .where('kind', '=', kind)
    .where('kind_index', '>', Math.max(escrowFrom, accepted - policy.vestingTasks))
    .where('epoch', '>', epoch - policy.vestingEpochs)
    .executeTakeFirstOrThrow();
  const audits = await db
    .selectFrom('qualities')
    .select(['passed', 'failed'])
    .where('account', '=', account)
    .where('kind', '=', kind)
    .executeTakeFirst();
  const failed = audits?.failed ?? 0;
  const passed = Math.floor((audits?.passed ?? 0) / PASS_ONE);
  const usual = unvested === 0 ? 1n : escrow / BigInt(unvested);
  const rate = punished || suspectLeft > 0 ? certainly() : auditRate(policy, usual, escrow);
  return {
    kind,
    auditPpm: rate.ppm,
    unvested,
    escrow,
    accepted,
    passed,
    failed,
    qualityPpm: quality(passed, failed),
    suspect: suspectLeft > 0,
  };
}
