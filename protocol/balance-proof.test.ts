import { describe, expect, it } from 'vitest';
import { openBalanceProof, type BalanceProof, type ProvenLeaf } from './balance-proof.ts';
import { EMPTY_ROOT, holdingsLeaf, MAX_PATH, rootOf, sumPath, sumTree, type Holdings } from './merkle.ts';
import { tampered } from './testing/tamper.ts';

const rows: Holdings[] = ['b', 'd', 'f', 'h', 'k'].map((account, i) => ({
  account,
  spendable: BigInt(i),
  escrow: 10n * BigInt(i),
  onHold: 1n,
}));
const levels = sumTree(rows.map((row) => holdingsLeaf(row)));
const root = rootOf(levels);
const leaf = (index: number): ProvenLeaf => {
  const holdings = rows[index];
  if (holdings === undefined) throw new Error('no such row');
  return { holdings, path: sumPath(levels, index) };
};
const proof = (...indices: number[]): BalanceProof => ({ epoch: 3, leaves: indices.map(leaf) });

describe('of an account that owns something', () => {
  it.each(rows.map(({ account }, i) => [account, i] as const))('is its leaf: %s', (account, i) => {
    const opened = openBalanceProof(proof(i), account, root);
    expect(opened).toMatchObject({ ok: true, value: { owns: true, holdings: rows[i] } });
    expect(opened.ok && opened.value.hashes <= MAX_PATH).toBe(true);
  });

  it('does not lead to the root with anything changed', () => {
    const refused = { ok: false, code: 'NOT_UNDER_ROOT' };
    const { holdings, path } = leaf(1);
    const open = (changed: ProvenLeaf) => openBalanceProof({ epoch: 3, leaves: [changed] }, 'd', root);
    for (const part of ['spendable', 'escrow', 'onHold'] as const)
      expect(open({ holdings: { ...holdings, [part]: holdings[part] + 1n }, path })).toMatchObject(refused);
    // The same sum, moved from what is held back to what may be spent.
    const moved = { ...holdings, spendable: holdings.spendable + 1n, escrow: holdings.escrow - 1n };
    expect(open({ holdings: moved, path })).toMatchObject(refused);
    // How many leaves there are is not in the root: it only says where a level ends.
    const changes = [...tampered(leaf(1))].filter(({ path: at }) => at !== 'path.count');
    expect(changes.length).toBeGreaterThan(8);
    for (const { path: at, changed } of changes)
      expect([at, open(changed as ProvenLeaf)]).toMatchObject([at, refused]);
    expect(open({ holdings, path: { ...path, index: 0 } })).toMatchObject(refused);
    expect(open({ holdings, path: { ...path, siblings: path.siblings.slice(1) } })).toMatchObject(refused);
    expect(openBalanceProof(proof(1), 'd', { ...root, sum: root.sum + 1n })).toMatchObject(refused);
  });
});

describe('of an account that owns nothing', () => {
  it.each([
    ['a', [0]],
    ['c', [0, 1]],
    ['e', [1, 2]],
    ['j', [3, 4]],
    ['z', [4]],
  ])('is what lies on either side of its place: %s', (account, beside) => {
    expect(openBalanceProof(proof(...beside), account, root)).toMatchObject({
      ok: true,
      value: { owns: false, holdings: { account, spendable: 0n } },
    });
  });

  it.each([
    ['its own leaf beside another', 'd', [0, 1]],
    ['leaves with its own in between', 'd', [0, 2]],
    ['leaves that are not neighbours', 'e', [0, 3]],
    ['leaves in the wrong order', 'c', [1, 0]],
    ['a leaf that is neither first nor last', 'c', [1]],
    ['the last leaf, of one that comes before it', 'j', [4]],
    ['the first leaf, of one that comes after it', 'c', [0]],
  ])('is not proven by %s', (_what, account, shown) => {
    expect(openBalanceProof(proof(...shown), account, root)).toMatchObject({ ok: false, code: 'NO_PROOF' });
  });

  it('needs no leaf where there is none, and only there', () => {
    expect(openBalanceProof(proof(), 'a', EMPTY_ROOT)).toMatchObject({ ok: true, value: { owns: false } });
    expect(openBalanceProof(proof(), 'd', root)).toMatchObject({ ok: false, code: 'NOT_UNDER_ROOT' });
  });
});
