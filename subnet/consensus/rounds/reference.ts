import { concatBytes, hexToBytes } from '../../../protocol/bytes.ts';
import { weightsFromScores } from '../../../protocol/vote.ts';

/** Scores by account (lower-case hex of 32 bytes), of any size, not negative. */
export type Scores = ReadonlyMap<string, bigint>;

/** What the pooled receipts say about one mechanism, made ready to hold many rows against. Accounts in ascending order. */
export type Reference = {
  /** n accounts with a score above 0. */
  accounts: readonly string[];
  /** n × 32 bytes. */
  bytes: Uint8Array;
  /** The n weights of an honest row, 0 to 65,535: 0 for work that is too little for a weight. */
  weights: readonly bigint[];
  /** Of the weights. */
  total: bigint;
};

export function referenceOf(scores: Scores): Reference {
  const accounts = ascending(scores.keys()).filter((account) => (scores.get(account) ?? 0n) > 0n);
  const honest = weightsFromScores(scores);
  const weights = accounts.map((account) => BigInt(honest.get(account) ?? 0));
  return {
    accounts,
    bytes: concatBytes(...accounts.map(hexToBytes)),
    weights,
    total: weights.reduce((a, b) => a + b, 0n),
  };
}

/** Keys in the one order that everything is summed and hashed in. */
export function ascending(keys: Iterable<string>): string[] {
  const list = [...keys];
  // Most come in order already, and sorting a hundred thousand takes longer than looking.
  return list.every((key, i) => i === 0 || (list[i - 1] ?? '') < key) ? list : list.sort();
}

/** Where `key` stands in an ascending list, or −1. */
export function indexIn(list: readonly string[], key: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return list[low] === key ? low : -1;
}
