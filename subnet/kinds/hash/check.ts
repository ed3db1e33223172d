import { hashPreimage, hashWork, reachesTarget } from '../../../protocol/kinds/hash.ts';
import type { UnitOf } from '../../../protocol/kinds/registry.ts';
import type { Work } from '../../../protocol/ids.ts';
import { fail, ok, type Outcome } from '../../../protocol/outcome.ts';
import type { RefusalCode } from '../../../protocol/refusal.ts';
import { targetFromBits } from '../../../protocol/target.ts';
import type { Leased } from '../kind.ts';

/**
 * Checks every share of a result: inside the leased range, ascending and so counted once, and reaching the target when
 * bound to this beacon and task. Two SHA-256 a share. Gives the work that the shares stand for.
 */
export function checkShares(lease: Leased<'hash'>, nonces: readonly number[]): Outcome<Work, RefusalCode> {
  const { spec, input } = lease.unit;
  const order = checkOrder(input, nonces);
  if (!order.ok) return order;
  const preimage = hashPreimage(spec, input, lease.beacon, lease.taskId);
  const target = targetFromBits(spec.bits);
  for (const nonce of nonces) {
    if (!reachesTarget(preimage, nonce, target))
      return fail('BELOW_DIFFICULTY', `nonce ${nonce} does not reach the target`);
  }
  return ok(hashWork(spec, input, { nonces: [...nonces] }));
}

type Range = UnitOf<'hash'>['input'];

/** The part of the check that costs no hash. It comes first, so that a forger makes nobody work. */
function checkOrder(
  { nonceStart, nonceCount }: Range,
  nonces: readonly number[],
): Outcome<null, RefusalCode> {
  let previous = -1;
  for (const nonce of nonces) {
    if (nonce < nonceStart || nonce >= nonceStart + nonceCount) {
      return fail('OUT_OF_RANGE', `nonce ${nonce} is not among the ${nonceCount} from ${nonceStart} on`);
    }
    if (nonce === previous) return fail('DUPLICATE_SHARE', `nonce ${nonce} is listed twice`);
    // Out of order may hide a repetition further back; either way the list is not the one form a result has.
    if (nonce < previous)
      return fail('DUPLICATE_SHARE', `nonce ${nonce} comes after ${previous}; nonces must ascend`);
    previous = nonce;
  }
  return ok(null);
}
