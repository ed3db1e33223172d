import * as v from 'valibot';
import { equalBytes } from './bytes.ts';
import {
  EMPTY_ROOT,
  holdingsLeaf,
  holdingsSchema,
  sumPathSchema,
  verifySumPath,
  type Holdings,
  type SumNode,
} from './merkle.ts';
import { fail, ok, type Outcome } from './outcome.ts';
import { uint } from './schema.ts';

const provenLeafSchema = v.strictObject({ holdings: holdingsSchema, path: sumPathSchema });
export type ProvenLeaf = v.InferOutput<typeof provenLeafSchema>;

/**
 * What an account owned when an epoch closed. Its own leaf of the tree of balances; or, of an account that owned nothing, the
 * leaves on either side of where it would be (one at either end of the tree, none in an empty one), since leaves are in ascending
 * order of account: so that nobody can be told that there is nothing.
 */
export const balanceProofSchema = v.strictObject({
  epoch: uint(),
  leaves: v.pipe(v.array(provenLeafSchema), v.maxLength(2)),
});
export type BalanceProof = v.InferOutput<typeof balanceProofSchema>;

/** `hashes`: siblings that were hashed on the way up. `owns` is false where it is proven that the account has no leaf. */
export type ProvenBalance = { owns: boolean; holdings: Holdings; hashes: number };

/**
 * Checks a proof against the root of balances in that epoch's header. NOT_UNDER_ROOT: the hashes do not lead there. NO_PROOF: they
 * do, but say nothing of `account`. Pure, never throws.
 */
export function openBalanceProof(
  { leaves }: BalanceProof,
  account: string,
  root: SumNode,
): Outcome<ProvenBalance, 'NOT_UNDER_ROOT' | 'NO_PROOF'> {
  for (const { holdings, path } of leaves) {
    if (!verifySumPath(holdingsLeaf(holdings), path, root))
      return fail('NOT_UNDER_ROOT', 'the hashes of its path do not lead to the root in the header');
  }
  const hashes = leaves.reduce((sum, { path }) => sum + path.siblings.length, 0);
  const own = leaves.find(({ holdings }) => holdings.account === account);
  if (own !== undefined && leaves.length === 1) return ok({ owns: true, holdings: own.holdings, hashes });
  if (leaves.length === 0 && !equalBytes(root.hash, EMPTY_ROOT.hash))
    return fail('NOT_UNDER_ROOT', 'the tree has leaves, and none was shown');
  if (!isGap(leaves, account)) return fail('NO_PROOF', 'the leaves that were shown are those of others');
  return ok({
    owns: false,
    holdings: { account, spendable: 0n, escrow: 0n, onHold: 0n },
    hashes,
  });
}

/** Whether `account` would lie between these leaves, with nothing else in between. */
function isGap(leaves: readonly ProvenLeaf[], account: string): boolean {
  const [first, second] = leaves;
  if (first === undefined) return true;
  const { index, count } = first.path;
  if (second !== undefined)
    return (
      second.path.count === count &&
      second.path.index === index + 1 &&
      first.holdings.account < account &&
      account < second.holdings.account
    );
  if (account < first.holdings.account) return index === 0;
  return account > first.holdings.account && index === count - 1;
}
