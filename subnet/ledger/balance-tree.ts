import type { Kysely } from 'kysely';
import type { BalanceProof, ProvenLeaf } from '../../protocol/balance-proof.ts';
import { holdingsLeaf, type Holdings } from '../../protocol/merkle.ts';
import { breather, type Breather } from '../store/breather.ts';
import type { Schema } from '../store/schema.ts';
import { lastClosedEpoch } from './epoch-rows.ts';
import { nativeSha256 } from './digests.ts';
import { holdingsPage } from './holdings-rows.ts';
import { lowerBound, SumTree } from './sum-tree.ts';

/** What every account owned when `epoch` closed, and the tree over it. */
export class BalanceTree {
  readonly epoch: number;
  readonly #rows: readonly Holdings[];
  readonly #tree: SumTree;

  private constructor(epoch: number, rows: readonly Holdings[], tree: SumTree) {
    this.epoch = epoch;
    this.#rows = rows;
    this.#tree = tree;
  }

  /**
   * The tree as of the last closed epoch; null before any. Rows are read page by page, so that an epoch may close meanwhile: then
   * they are read again.
   */
  static async read(db: Kysely<Schema>): Promise<BalanceTree | null> {
    const breathe = breather();
    for (;;) {
      const epoch = await lastClosedEpoch(db);
      if (epoch === null) return null;
      const rows = await readAll(db, breathe);
      if ((await lastClosedEpoch(db)) !== epoch) continue;
      const leafAt = (i: number) => holdingsLeaf(rows[i] ?? NOTHING, nativeSha256);
      return new BalanceTree(epoch, rows, await SumTree.build(rows.length, leafAt, breathe));
    }
  }

  get count(): number {
    return this.#tree.count;
  }

  /** The leaf of `account`, or those on either side of its place. */
  prove(account: string): BalanceProof {
    const at = lowerBound(this.count, (i) => (this.#rows[i]?.account ?? '') >= account);
    const shown = this.#rows[at]?.account === account ? [at] : [at - 1, at];
    return { epoch: this.epoch, leaves: shown.flatMap((index) => this.#leaf(index)) };
  }

  #leaf(index: number): ProvenLeaf[] {
    const holdings = this.#rows[index];
    return holdings === undefined ? [] : [{ holdings, path: this.#tree.path(index) }];
  }
}

const NOTHING: Holdings = { account: '', spendable: 0n, escrow: 0n, onHold: 0n };

async function readAll(db: Kysely<Schema>, breathe: Breather): Promise<Holdings[]> {
  const rows: Holdings[] = [];
  for (let after: string | null = null; ; await breathe()) {
    const page = await holdingsPage(db, after);
    for (const row of page) rows.push(row);
    after = page.at(-1)?.account ?? null;
    if (after === null) return rows;
  }
}
