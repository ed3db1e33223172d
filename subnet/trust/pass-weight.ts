import { auditRate, type RatePolicy } from './audit-rate.ts';
import type { Tx } from '../store/store.ts';

/** A passed audit of full weight, in the parts that passed audits are counted in. */
export const PASS_ONE = 1_000;

/**
 * What a passed audit counts. A peer drawn with probability p shows the more passes the higher p is, so that an account which
 * splits its work over newcomers would be audited more and soon look better proven than one that does the same work with
 * one tab. So a pass weighs what p would have been had all of the account's escrow of the kind been one tab's, over the p
 * it was drawn with: expected passes then follow from work and stake, however an account splits them.
 */
export function passWeight(
  policy: RatePolicy,
  work: bigint,
  accountEscrow: bigint,
  drawnPpm: number,
): number {
  const { ppm } = auditRate(policy, work, accountEscrow);
  return Math.max(1, Math.min(PASS_ONE, Math.floor((PASS_ONE * ppm) / drawnPpm)));
}

/**
 * Unvested work, in a kind, of the peers that last worked for an account; of one that has done nothing for so long, it has
 * vested by age.
 */
export async function accountEscrow(
  tx: Tx,
  { account, kind, epoch }: { account: string; kind: string; epoch: number },
  vestingEpochs: number,
): Promise<bigint> {
  const rows = await tx
    .selectFrom('standings')
    .select('escrow')
    .where('account', '=', account)
    .where('kind', '=', kind)
    .where('escrow_epoch', '>', epoch - vestingEpochs)
    .execute();
  return rows.reduce((sum, { escrow }) => sum + BigInt(escrow), 0n);
}
