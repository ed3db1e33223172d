import { exactBonds, type ExactBonds } from './exact-bonds.ts';
import { FIXED_BITS, fixedDiv, fixedMul, fixedNormalised, fixedParts, fromU16, least, sum } from './fixed.ts';
import type { YumaRules } from './rules.ts';
import { countedStake, countsOn, isActive, nextPermits, permitted } from './standing.ts';
import type { YumaInput } from './votes.ts';

/** One row of a sparse matrix in Q32.32: value by column. A 0 that is there is not the same as one that is absent. */
export type ExactRow = Map<number, bigint>;

/** `YumaResult` in Q32.32. */
export type ExactResult = {
  stake: bigint[];
  activeStake: bigint[];
  consensus: bigint[];
  validatorTrust: bigint[];
  preRank: bigint[];
  rank: bigint[];
  incentive: bigint[];
  dividends: bigint[];
  permits: boolean[];
} & ExactBonds;

/**
 * The oracle beside `fastEpoch`: the same epoch in the reference's arithmetic (Q32.32, everything cut), row by row as
 * yuma.md 1.2 tells it, with nothing in common but who may vote. Slow.
 */
export function exactEpoch(input: YumaInput, old: readonly ExactRow[], rules: YumaRules): ExactResult {
  const { columns } = input.votes;
  const stake = fixedParts(countedStake(input, rules));
  const permits = nextPermits(stake, input, rules);
  const activeStake = fixedNormalised(
    stake.map((s, i) => (permitted(input, i) && isActive(input, rules, i) ? s : 0n)),
  );
  const weights = stake.map((_, i) => weightRow(input, i));
  // Whoever has no voice is left out here already, since most of a subnet has none.
  const voices = weights.flatMap((row, i) =>
    (activeStake[i] ?? 0n) > 0n ? [{ row, stake: activeStake[i] ?? 0n }] : [],
  );
  const heard = voices.map((voice) => voice.stake);
  const kappa = fromU16(rules.kappa);
  const consensus = Array.from({ length: columns }, (_, j) =>
    exactMedian(
      heard,
      voices.map(({ row }) => row.get(j) ?? 0n),
      kappa,
    ),
  );
  const clipped = weights.map((row) => clip(row, consensus));
  const rank = stakeWeighted(clipped, activeStake, columns);
  const incentive = fixedNormalised(rank);
  const bonds = exactBonds(
    { input, weights, clipped, consensus, incentive, activeStake, permits },
    old,
    rules,
  );
  return {
    stake,
    activeStake,
    consensus,
    validatorTrust: clipped.map((row) => sum([...row.values()])),
    preRank: stakeWeighted(weights, activeStake, columns),
    rank,
    incentive,
    permits,
    ...bonds,
  };
}

/** The votes of row i that count, divided by their sum; none without a permit. */
function weightRow(input: YumaInput, i: number): ExactRow {
  const { start, column, weight } = input.votes;
  const row: ExactRow = new Map();
  if (!permitted(input, i)) return row;
  for (let k = start[i] ?? 0; k < (start[i + 1] ?? 0); k++) {
    const j = column[k] ?? 0;
    if (countsOn(input, i, j)) row.set(j, BigInt(weight[k] ?? 0) << FIXED_BITS);
  }
  const total = sum([...row.values()]);
  if (total > 0n) for (const [j, value] of row) row.set(j, fixedDiv(value, total));
  return row;
}

/**
 * The largest score such that the stake strictly below it is at most the minority (what is beyond `majority`); 0 where
 * nobody has a stake. Stakes are normalised first, those of 0 left out (yuma.md 1.2, step 5).
 */
export function exactMedian(stake: readonly bigint[], score: readonly bigint[], majority: bigint): bigint {
  const heard = stake.flatMap((s, i) => (s > 0n ? [{ s, v: score[i] ?? 0n }] : []));
  const parts = fixedNormalised(heard.map(({ s }) => s));
  const minority = sum(parts) - majority;
  const ascending = heard.map(({ v }, i) => ({ v, s: parts[i] ?? 0n }));
  ascending.sort((a, b) => (a.v < b.v ? -1 : a.v > b.v ? 1 : 0));
  let best = ascending[0]?.v ?? 0n;
  let below = 0n;
  for (const [k, { v, s }] of ascending.entries()) {
    // `below` is strictly below v only at the first of equal scores.
    if (k > 0 && v !== ascending[k - 1]?.v && below <= minority) best = v;
    below += s;
  }
  return best;
}

/** Each weight at most its column's consensus; what a consensus of 0 clips is gone. */
function clip(row: ExactRow, consensus: readonly bigint[]): ExactRow {
  const kept: ExactRow = new Map();
  for (const [j, w] of row) {
    const c = consensus[j] ?? 0n;
    if (w <= c || c > 0n) kept.set(j, least(w, c));
  }
  return kept;
}

function stakeWeighted(rows: readonly ExactRow[], stake: readonly bigint[], columns: number): bigint[] {
  const total = Array.from({ length: columns }, () => 0n);
  rows.forEach((row, i) => {
    for (const [j, w] of row) total[j] = (total[j] ?? 0n) + fixedMul(stake[i] ?? 0n, w);
  });
  return total;
}
