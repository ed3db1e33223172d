import { expect, it } from 'vitest';
import { receiptLeaf, rootOf, sumPath, sumTree, verifySumPath, type SumNode } from '../../protocol/merkle.ts';
import { lowerBound, SumTree } from './sum-tree.ts';

const leaf = (n: number): SumNode => ({ ...receiptLeaf(new Uint8Array(32).fill(n)), sum: BigInt(n) });
const noBreath = async (): Promise<void> => undefined;

it.each([1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 17, 33])(
  'is the tree of the protocol, with %d leaves',
  async (n) => {
    const leaves = Array.from({ length: n }, (_, i) => leaf(i + 1));
    const levels = sumTree(leaves);
    const tree = await SumTree.build(n, (i) => leaf(i + 1), noBreath);
    expect(tree.count).toBe(n);
    for (const [i, each] of leaves.entries()) {
      expect(tree.path(i)).toEqual(sumPath(levels, i));
      expect(verifySumPath(each, tree.path(i), rootOf(levels))).toBe(true);
    }
    expect(() => tree.path(n)).toThrow(RangeError);
    expect(() => tree.path(-1)).toThrow(RangeError);
  },
);

it('may have no leaf', async () => {
  const tree = await SumTree.build(0, leaf, noBreath);
  expect(tree.count).toBe(0);
  expect(() => tree.path(0)).toThrow(RangeError);
});

it('finds a place in what is sorted', () => {
  const sorted = [2, 4, 4, 7];
  const find = (n: number): number => lowerBound(sorted.length, (i) => (sorted[i] ?? 0) >= n);
  expect([1, 2, 3, 4, 5, 7, 8].map(find)).toEqual([0, 0, 1, 1, 3, 3, 4]);
  expect(lowerBound(0, () => true)).toBe(0);
});
