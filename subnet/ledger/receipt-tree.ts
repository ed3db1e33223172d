import type { Kysely } from 'kysely';
import { receiptLeaf, type SumPath } from '../../protocol/merkle.ts';
import { breather } from '../store/breather.ts';
import type { Schema } from '../store/schema.ts';
import { receiptHashPages } from './block-rows.ts';
import { nativeSha256 } from './digests.ts';
import { lowerBound, SumTree } from './sum-tree.ts';

const HASH = 32;

/** The receipts of a closed epoch, which do not change any more, and the tree over them. */
export class ReceiptTree {
  /** In ascending order, 32 bytes each. */
  readonly #hashes: Buffer;
  readonly #tree: SumTree;

  private constructor(hashes: Buffer, tree: SumTree) {
    this.#hashes = hashes;
    this.#tree = tree;
  }

  static async read(db: Kysely<Schema>, epoch: number): Promise<ReceiptTree> {
    const breathe = breather();
    // Packed page by page: arrays of 32 bytes by the hundred thousand would keep the collector busy.
    const pages: Buffer[] = [];
    for await (const page of receiptHashPages(db, epoch)) {
      pages.push(Buffer.concat(page));
      await breathe();
    }
    const hashes = Buffer.concat(pages);
    const leafAt = (i: number) => receiptLeaf(hashes.subarray(i * HASH, (i + 1) * HASH), nativeSha256);
    return new ReceiptTree(hashes, await SumTree.build(hashes.length / HASH, leafAt, breathe));
  }

  get count(): number {
    return this.#tree.count;
  }

  /** The path of the receipt with this hash; null where the epoch has none. */
  path(hash: Uint8Array): SumPath | null {
    const order = (i: number): number =>
      Buffer.compare(this.#hashes.subarray(i * HASH, (i + 1) * HASH), hash);
    const at = lowerBound(this.count, (i) => order(i) >= 0);
    return at < this.count && order(at) === 0 ? this.#tree.path(at) : null;
  }
}
