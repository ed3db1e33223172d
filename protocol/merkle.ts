import * as v from 'valibot';
import { concatBytes, equalBytes, sha256 } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import { hash32, text, uint, uint64 } from './schema.ts';

/**
 * Merkle-sum trees: every node names the sum of what is below it, so that a root states how much there is and nobody can be left
 * out of it. Leaves and nodes are hashed apart (as in RFC 6962), and a node without a sibling moves up as it is.
 *
 *     leaf = sha256(0 ‖ data)    node = sha256(1 ‖ left ‖ left sum ‖ right ‖ right sum), sums as 8 bytes, big-endian
 */
export const sumNodeSchema = v.strictObject({ hash: hash32, sum: uint64 });
export type SumNode = v.InferOutput<typeof sumNodeSchema>;

/** More than a tree of 2^20 leaves needs. */
export const MAX_PATH = 20;
/** Where a leaf is in a tree of `count` leaves, and the siblings on its way to the root, lowest first. */
export const sumPathSchema = v.strictObject({
  index: uint(2 ** MAX_PATH - 1),
  count: uint(2 ** MAX_PATH),
  siblings: v.pipe(v.array(sumNodeSchema), v.maxLength(MAX_PATH)),
});
export type SumPath = v.InferOutput<typeof sumPathSchema>;

/** Root of a tree without leaves. */
export const EMPTY_ROOT: SumNode = { hash: sha256(new Uint8Array(0)), sum: 0n };

/** SHA-256: 32 bytes. A realm with a faster one may bring it. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

export const sumLeaf = (data: Uint8Array, sum: bigint, hash: Sha256 = sha256): SumNode => ({
  hash: hash(concatBytes(Uint8Array.of(0), data)),
  sum,
});

/** What is hashed for a node, written over for each: a large tree would make megabytes of garbage otherwise. */
const nodeBytes = new Uint8Array(1 + 2 * 40);
const nodeView = new DataView(nodeBytes.buffer);

/** The node above two others. */
export function sumParent(left: SumNode, right: SumNode, hash: Sha256 = sha256): SumNode {
  nodeBytes[0] = 1;
  nodeBytes.set(left.hash, 1);
  nodeView.setBigUint64(33, left.sum);
  nodeBytes.set(right.hash, 41);
  nodeView.setBigUint64(73, right.sum);
  return { hash: hash(nodeBytes), sum: left.sum + right.sum };
}

/** All levels of a tree, leaves first. Sums have to stay below 2^64. */
export function sumTree(leaves: readonly SumNode[], hash: Sha256 = sha256): SumNode[][] {
  const levels = [[...leaves]];
  for (let level = levels[0] ?? []; level.length > 1;) {
    const above: SumNode[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]];
      if (left !== undefined) above.push(right === undefined ? left : sumParent(left, right, hash));
    }
    levels.push(above);
    level = above;
  }
  return levels;
}

export const rootOf = (levels: readonly (readonly SumNode[])[]): SumNode => levels.at(-1)?.[0] ?? EMPTY_ROOT;

/** The path of leaf `index`. Throws RangeError where there is no such leaf. */
export function sumPath(levels: readonly (readonly SumNode[])[], index: number): SumPath {
  const count = levels[0]?.length ?? 0;
  if (!Number.isInteger(index) || index < 0 || index >= count) throw new RangeError(`no leaf ${index}`);
  const siblings = levels.slice(0, -1).flatMap((level, depth) => {
    const sibling = level[(index >> depth) ^ 1];
    return sibling === undefined ? [] : [sibling];
  });
  return { index, count, siblings };
}

/** Does this leaf lie at its place in the tree of this root? Never throws; sums that pass 2^64 are refused. */
export function verifySumPath(leaf: SumNode, path: SumPath, root: SumNode): boolean {
  const siblings = [...path.siblings];
  let node = leaf;
  for (let { index, count } = path; count > 1; index >>= 1, count = Math.ceil(count / 2)) {
    if (index >= count) return false;
    // The last of an odd level has no sibling.
    if (index % 2 === 0 && index === count - 1) continue;
    const sibling = siblings.shift();
    if (sibling === undefined || node.sum + sibling.sum > MAX_SUM) return false;
    node = index % 2 === 0 ? sumParent(node, sibling) : sumParent(sibling, node);
  }
  return (
    path.index < path.count &&
    siblings.length === 0 &&
    node.sum === root.sum &&
    equalBytes(node.hash, root.hash)
  );
}

const MAX_SUM = 0xffff_ffff_ffff_ffffn;

/** What an account owns, in base units: what it may spend, what has still to vest, what is set aside for others. */
export const holdingsSchema = v.strictObject({
  account: text,
  spendable: uint64,
  escrow: uint64,
  onHold: uint64,
});
export type Holdings = v.InferOutput<typeof holdingsSchema>;

/** An account's leaf in the tree of balances. */
export const holdingsLeaf = ({ account, spendable, escrow, onHold }: Holdings, hash?: Sha256): SumNode =>
  sumLeaf(encodeCbor([account, spendable, escrow, onHold]), spendable + escrow + onHold, hash);

/** A receipt's leaf in the tree of an epoch's receipts: `hash` is its `receiptHash`, and it counts 1. */
export const receiptLeaf = (hash: Uint8Array, sha?: Sha256): SumNode => sumLeaf(hash, 1n, sha);
