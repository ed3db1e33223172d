import { isCountersigned } from '../../protocol/epoch.ts';
import { holdingsLeaf, sumPath, verifySumPath, type Holdings, type SumPath } from '../../protocol/merkle.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { holdingsTree, inAccountOrder } from '../ledger/holdings.ts';
import type { AuditedBlock } from './auditor.ts';

/** What an account owned when an epoch closed, and the hashes that lead from there to its header. */
export type AccountProof = { holdings: Holdings; path: SumPath };

/**
 * The proof of an account's holdings under an audited header, checked as a stranger would check it: the path by its hashes, the header
 * by its countersignatures.
 */
export function proveAccount(
  { header, signed, seats, block }: AuditedBlock,
  account: string,
): Outcome<AccountProof, 'NOTHING_OWNED' | 'UNPROVEN'> {
  const rows = inAccountOrder(block.holdings);
  const index = rows.findIndex((each) => each.account === account);
  const holdings = rows[index];
  if (holdings === undefined)
    return fail(
      'NOTHING_OWNED',
      `${account} owned nothing when epoch ${header.epoch} closed: it is none of the ${rows.length} accounts in its tree.`,
    );
  const path = sumPath(holdingsTree(rows), index);
  if (!verifySumPath(holdingsLeaf(holdings), path, header.balances))
    return fail('UNPROVEN', 'the hashes of its path do not lead to the root in the header');
  if (!isCountersigned(signed.payload, signed.countersignatures, seats.seats))
    return fail('UNPROVEN', 'the header is not signed by validators with more than half of the stake');
  return ok({ holdings, path });
}
