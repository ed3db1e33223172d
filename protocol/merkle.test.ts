import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, sha256 } from './bytes.ts';
import {
  EMPTY_ROOT,
  holdingsLeaf,
  MAX_PATH,
  receiptLeaf,
  rootOf,
  sumLeaf,
  sumPath,
  sumTree,
  verifySumPath,
  type SumNode,
  type SumPath,
} from './merkle.ts';

const leaves = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 8 }), fc.bigInt({ min: 0n, max: 1n << 40n })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((rows) => rows.map(([data, sum]) => sumLeaf(data, sum)));

/** A tree, and one of its leaves with its path. */
const proofs = fc.tuple(leaves, fc.nat()).map(([all, n]) => {
  const levels = sumTree(all);
  const index = n % all.length;
  return { all, root: rootOf(levels), leaf: all[index] ?? EMPTY_ROOT, path: sumPath(levels, index) };
});

const changedHash = ({ hash, sum }: SumNode): SumNode => ({
  hash: hash.map((byte, i) => (i === 7 ? byte ^ 1 : byte)),
  sum,
});

describe('a Merkle-sum tree', () => {
  it('leads every leaf to its root, which sums them all', () => {
    fc.assert(
      fc.property(leaves, (all) => {
        const levels = sumTree(all);
        const root = rootOf(levels);
        expect(root.sum).toBe(all.reduce((sum, leaf) => sum + leaf.sum, 0n));
        for (const [i, leaf] of all.entries())
          expect(verifySumPath(leaf, sumPath(levels, i), root)).toBe(true);
      }),
    );
  });

  it('is hashed as its definition says', () => {
    const [a, b, c] = [1, 2, 3].map((n) => sumLeaf(Uint8Array.of(n), BigInt(n))) as [
      SumNode,
      SumNode,
      SumNode,
    ];
    expect(a.hash).toEqual(sha256(Uint8Array.of(0, 1)));
    const eight = (n: bigint): Uint8Array => {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, n);
      return bytes;
    };
    const node = (left: SumNode, right: SumNode): SumNode => ({
      hash: sha256(concatBytes(Uint8Array.of(1), left.hash, eight(left.sum), right.hash, eight(right.sum))),
      sum: left.sum + right.sum,
    });
    // The third has no sibling and moves up as it is.
    expect(rootOf(sumTree([a, b, c]))).toEqual(node(node(a, b), c));
    expect(rootOf(sumTree([a]))).toEqual(a);
    expect(rootOf(sumTree([]))).toEqual(EMPTY_ROOT);
  });

  it('leads nothing else there: no other leaf, sum, sibling, place or count', () => {
    fc.assert(
      fc.property(proofs, fc.nat(), ({ root, leaf, path }, n) => {
        const refused = (changed: SumNode, by: SumPath = path, to: SumNode = root): void =>
          expect(verifySumPath(changed, by, to)).toBe(false);
        refused(changedHash(leaf));
        refused({ ...leaf, sum: leaf.sum + 1n });
        refused(leaf, path, changedHash(root));
        refused(leaf, path, { ...root, sum: root.sum + 1n });
        const { siblings } = path;
        const at = siblings.length === 0 ? 0 : n % siblings.length;
        const one = siblings[at];
        if (one !== undefined) {
          refused(leaf, { ...path, siblings: siblings.with(at, changedHash(one)) });
          refused(leaf, { ...path, siblings: siblings.with(at, { ...one, sum: one.sum + 1n }) });
          refused(leaf, { ...path, siblings: siblings.toSpliced(at, 1) });
        }
        refused(leaf, { ...path, siblings: [...siblings, leaf] });
        refused(leaf, { ...path, index: path.count });
      }),
    );
  });

  it('binds a place by the turns on the way: nobody passes for first, last or a neighbour who is not', () => {
    // Index and count are in no hash: at other numbers with the same turns a path leads to the root as well.
    const claims = fc.tuple(fc.integer({ min: 1, max: 24 }), fc.integer({ min: 1, max: 40 }));
    fc.assert(
      fc.property(claims, ([size, count]) => {
        const all = Array.from({ length: size }, (_, i) => sumLeaf(Uint8Array.of(i), 1n));
        const levels = sumTree(all);
        /** Which leaf passes for the one at `index` of `count`. */
        const passing = (index: number): number[] =>
          all.flatMap((leaf, i) =>
            verifySumPath(leaf, { ...sumPath(levels, i), index, count }, rootOf(levels)) ? [i] : [],
          );
        for (let index = 0; index < count; index++) {
          const [here, next] = [passing(index), passing(index + 1)];
          expect(here.length).toBeLessThanOrEqual(1);
          const wrong = here.filter(
            (one) =>
              (index === 0 && one !== 0) ||
              (index === count - 1 && one !== size - 1) ||
              next.some((other) => other !== one + 1),
          );
          expect(wrong).toEqual([]);
        }
      }),
    );
  });

  it('takes no sum past 2^64, and no inner node for a leaf', () => {
    const most = 0xffff_ffff_ffff_ffffn;
    const [a, b] = [sumLeaf(Uint8Array.of(1), most), sumLeaf(Uint8Array.of(2), 1n)];
    // As 8 bytes the sum would be 0.
    const path = { index: 0, count: 2, siblings: [b] };
    expect(verifySumPath(a, path, { ...rootOf(sumTree([a, b])), sum: 0n })).toBe(false);
    const inner = rootOf(sumTree([sumLeaf(Uint8Array.of(3), 3n), b]));
    expect(sumLeaf(inner.hash, inner.sum).hash).not.toEqual(inner.hash);
    expect(receiptLeaf(inner.hash)).toMatchObject({ sum: 1n });
  });

  it('of 2^20 leaves needs 20 hashes', () => {
    const leaf = sumLeaf(Uint8Array.of(1), 1n);
    // Equal leaves make each level one node: the same tree without building it.
    const siblings: SumNode[] = [];
    let root = leaf;
    for (let i = 0; i < MAX_PATH; i++) {
      siblings.push(root);
      root = rootOf(sumTree([root, root]));
    }
    const count = 2 ** MAX_PATH;
    expect(root.sum).toBe(BigInt(count));
    for (const index of [0, 1, 777_777, count - 1])
      expect(verifySumPath(leaf, { index, count, siblings }, root)).toBe(true);
    expect(verifySumPath(leaf, { index: count, count, siblings }, root)).toBe(false);
  });

  it('refuses to make the path of a leaf that is not there', () => {
    const levels = sumTree([EMPTY_ROOT]);
    for (const index of [-1, 1, 0.5]) expect(() => sumPath(levels, index)).toThrow(RangeError);
  });
});

describe('the leaf of an account', () => {
  const holdings = { account: 'ab', spendable: 3n, escrow: 5n, onHold: 7n };

  it('sums what it owns, and differs where any part differs', () => {
    const leaf = holdingsLeaf(holdings);
    expect(leaf.sum).toBe(15n);
    const others = [
      { ...holdings, account: 'ac' },
      { ...holdings, spendable: 5n, escrow: 3n },
      { ...holdings, onHold: 5n, escrow: 7n },
    ];
    for (const other of others) expect(holdingsLeaf(other).hash).not.toEqual(leaf.hash);
  });
});
