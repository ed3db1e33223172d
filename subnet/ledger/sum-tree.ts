import { sumParent, type SumNode, type SumPath } from '../../protocol/merkle.ts';
import type { Breather } from '../store/breather.ts';
import { nativeSha256 } from './digests.ts';

const HASH = 32;

/** One level of a tree: 40 bytes a node, where an object for each would take five times that. */
class Level {
  readonly count: number;
  readonly #hashes: Uint8Array;
  readonly #sums: BigUint64Array;

  constructor(count: number) {
    this.count = count;
    this.#hashes = new Uint8Array(count * HASH);
    this.#sums = new BigUint64Array(count);
  }

  /** A view: not to be kept while the level changes, which it does not once it is built. */
  at(index: number): SumNode {
    return {
      hash: this.#hashes.subarray(index * HASH, (index + 1) * HASH),
      sum: this.#sums[index] ?? 0n,
    };
  }

  set(index: number, { hash, sum }: SumNode): void {
    this.#hashes.set(hash, index * HASH);
    this.#sums[index] = sum;
  }
}

/** Nodes hashed between two looks at the clock: a tenth of a millisecond's worth. */
const STRIDE = 32;

/** The Merkle-sum tree of protocol/merkle.ts for many leaves: packed, and built in pieces. */
export class SumTree {
  readonly #levels: readonly Level[];

  private constructor(levels: readonly Level[]) {
    this.#levels = levels;
  }

  /** Builds the tree of `count` leaves; `leafAt` is asked for each once. */
  static async build(count: number, leafAt: (index: number) => SumNode, breathe: Breather): Promise<SumTree> {
    const leaves = new Level(count);
    for (let i = 0; i < count; i++) {
      leaves.set(i, leafAt(i));
      if (i % STRIDE === 0) await breathe();
    }
    const levels = [leaves];
    for (let below = leaves; below.count > 1;) {
      const above = new Level(Math.ceil(below.count / 2));
      for (let i = 0; i < above.count; i++) {
        const left = below.at(2 * i);
        above.set(i, 2 * i + 1 < below.count ? sumParent(left, below.at(2 * i + 1), nativeSha256) : left);
        if (i % STRIDE === 0) await breathe();
      }
      levels.push(above);
      below = above;
    }
    return new SumTree(levels);
  }

  get count(): number {
    return this.#levels[0]?.count ?? 0;
  }

  /** The way of leaf `index` to the root. Throws RangeError where there is no such leaf. */
  path(index: number): SumPath {
    const { count } = this;
    if (!Number.isInteger(index) || index < 0 || index >= count) throw new RangeError(`no leaf ${index}`);
    const siblings = this.#levels.slice(0, -1).flatMap((level, depth) => {
      const at = (index >> depth) ^ 1;
      return at < level.count ? [level.at(at)] : [];
    });
    return { index, count, siblings };
  }
}

/** First index in `[0, count)` for which `isAtLeast` holds, which it does from there on; `count` where it never does. */
export function lowerBound(count: number, isAtLeast: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAtLeast(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
