import { averaged, drawn, fixedSpeed, LEAST_BOND, liquidSpeed, storedBond } from './bonds.ts';
import { type Columns, weightsByColumn } from './columns.ts';
import { fixedParts } from './fixed.ts';
import { neededStake, quantile, wholeStakes } from './quantile.ts';
import { U16_ONE, type YumaRules } from './rules.ts';
import { countedStake, isActive, nextPermits, permitted } from './standing.ts';
import type { YumaInput } from './votes.ts';

/** One epoch's outcome on doubles. By row: a validator; by column: an account. */
export type YumaResult = {
  /** Parts of all stake that counts, by row. */
  stake: Float64Array;
  /** Parts of the stake that has a voice, by row. */
  activeStake: Float64Array;
  consensus: Float64Array;
  /** How much of each row's votes consensus left, by row. */
  validatorTrust: Float64Array;
  /** Stake-weighted votes by column, as submitted and as clipped. */
  preRank: Float64Array;
  rank: Float64Array;
  /** Ranks that sum to 1, or all 0. By column. */
  incentive: Float64Array;
  /** Sum to 1, or all 0. By row. */
  dividends: Float64Array;
  /** Who may vote in the next epoch. */
  permits: boolean[];
  /** By column; 3: per pair, 2: the largest of a column is 1. */
  bonds: Columns;
};

/**
 * One epoch of Yuma consensus (yuma.md 1.2) on doubles, sparse, in O(votes + bonds). Only + − × ÷ and comparisons, sums in
 * ascending order of row or column: the same bits on every machine. `old` are the bonds the epoch before left (`carried`).
 */
export function fastEpoch(input: YumaInput, old: Columns, rules: YumaRules): YumaResult {
  const { rows, columns } = input.votes;
  const counted = countedStake(input, rules);
  const voice = wholeStakes(
    counted.map((stake, i) => (permitted(input, i) && isActive(input, rules, i) ? stake : 0n)),
  );
  const activeStake = voice.stake.map((stake) => (voice.total === 0 ? 0 : stake / voice.total));
  const weights = weightsByColumn(input);

  const needed = neededStake(voice.total, rules.kappa);
  const consensus = new Float64Array(columns);
  const validatorTrust = new Float64Array(rows);
  const preRank = new Float64Array(columns);
  const rank = new Float64Array(columns);
  const someValue = new Float64Array(rows);
  const someStake = new Float64Array(rows);
  for (let j = 0; j < columns; j++) {
    const from = weights.start[j]!;
    const to = weights.start[j + 1]!;
    let n = 0;
    for (let k = from; k < to; k++) {
      const i = weights.row[k]!;
      if (voice.stake[i] === 0) continue;
      someValue[n] = weights.value[k]!;
      someStake[n] = voice.stake[i]!;
      n += 1;
    }
    const c = quantile(someValue, someStake, n, needed);
    consensus[j] = c;
    let submitted = 0;
    let clipped = 0;
    for (let k = from; k < to; k++) {
      const i = weights.row[k]!;
      const w = weights.value[k]!;
      const kept = w < c ? w : c;
      validatorTrust[i] = validatorTrust[i]! + kept;
      submitted += activeStake[i]! * w;
      clipped += activeStake[i]! * kept;
    }
    preRank[j] = submitted;
    rank[j] = clipped;
  }

  const incentive = normalised(rank);
  // By the parts of the oracle, so that both leave out the same dust.
  const permits = nextPermits(fixedParts(counted), input, rules);
  const { bonds, earned } = nextBonds(
    { input, weights, consensus, incentive, activeStake, permits },
    old,
    rules,
  );
  const dividends = normalised(
    rules.version === 3 ? earned.map((bonded, i) => bonded * activeStake[i]!) : earned,
  );
  return {
    stake: normalised(wholeStakes(counted).stake),
    activeStake,
    consensus,
    validatorTrust,
    preRank,
    rank,
    incentive,
    dividends,
    permits,
    bonds,
  };
}

type Epoch = Pick<YumaResult, 'consensus' | 'incentive' | 'activeStake' | 'permits'> & {
  input: YumaInput;
  weights: Columns;
};

/** The bonds after this epoch, and the incentive each row's bonds earn (steps 8 to 10). */
function nextBonds(epoch: Epoch, old: Columns, rules: YumaRules): { bonds: Columns; earned: Float64Array } {
  const { input, weights, consensus, incentive, activeStake, permits } = epoch;
  const { rows, columns } = input.votes;
  const penalty = rules.bondsPenalty / U16_ONE;
  const between = penalty > 0 && penalty < 1;
  const liquid = rules.version === 3 && rules.liquidAlpha !== null && consensus.some((c) => c !== 0);
  const speed = liquid && rules.liquidAlpha !== null ? liquidSpeed(rules.liquidAlpha) : fixedSpeed(rules);
  const dropAbsent = liquid && rules.reference.dropAbsentBonds;
  const earned = new Float64Array(rows);
  const start = new Uint32Array(columns + 1);
  const row = new Uint32Array(weights.row.length + old.row.length);
  const value = new Float64Array(row.length);
  // One column at a time: its rows, ascending, what their bonds move to (−1: no vote) and where they come from.
  const at = new Uint32Array(rows);
  const target = new Float64Array(rows);
  const bond = new Float64Array(rows);
  let size = 0;
  for (let j = 0; j < columns; j++) {
    const c = consensus[j]!;
    const weightsEnd = weights.start[j + 1]!;
    const bondsEnd = input.bondsSince <= input.registered[j]! ? 0 : old.start[j + 1]!;
    let k = weights.start[j]!;
    let b = old.start[j]!;
    let n = 0;
    let targetSum = 0;
    let bondSum = 0;
    while (k < weightsEnd || b < bondsEnd) {
      const voter = k < weightsEnd ? weights.row[k]! : rows;
      const holder = b < bondsEnd ? old.row[b]! : rows;
      const i = voter < holder ? voter : holder;
      let to = -1;
      if (voter === i) {
        const w = weights.value[k]!;
        to = drawn(w, w < c ? w : c, penalty);
        // A vote of 0 stays one, unless something between the two weights is taken: there only what is above 0 remains.
        if (to === 0 && (w > 0 || between)) to = -1;
        k += 1;
      }
      let from = 0;
      if (holder === i) {
        from = old.value[b]!;
        b += 1;
      }
      if (rules.version === 2 && to > 0) to *= activeStake[i]!;
      at[n] = i;
      target[n] = to;
      bond[n] = from;
      targetSum += to > 0 ? to : 0;
      bondSum += from;
      n += 1;
    }

    // From here on `bond` holds the new bonds.
    let sum = 0;
    let max = 0;
    for (let m = 0; m < n; m++) {
      const voted = target[m]! >= 0;
      let to = voted ? target[m]! : 0;
      let from = bond[m]!;
      if (rules.version === 2) {
        to = targetSum === 0 ? 0 : to / targetSum;
        from = bondSum === 0 ? 0 : from / bondSum;
      }
      const next = dropAbsent && !voted ? 0 : averaged(from, to, speed.of(to, from, c));
      bond[m] = next;
      sum += next;
      if (next > max) max = next;
    }
    for (let m = 0; m < n; m++) {
      const next = bond[m]!;
      if (next === 0) continue;
      const i = at[m]!;
      earned[i] = earned[i]! + (next / sum) * incentive[j]!;
      const stored = rules.version === 2 ? next / max : next;
      if (stored < LEAST_BOND || permits[i] !== true) continue;
      row[size] = i;
      value[size] = stored;
      size += 1;
    }
    start[j + 1] = size;
  }
  return { bonds: { columns, start, row: row.slice(0, size), value: value.slice(0, size) }, earned };
}

/** What the next epoch starts from: the bonds as they are, or as the reference stores them. */
export const carried = (bonds: Columns, rules: YumaRules): Columns =>
  rules.reference.u16Bonds
    ? { ...bonds, value: bonds.value.map((bond) => storedBond(bond) / U16_ONE) }
    : bonds;

function normalised(values: Float64Array): Float64Array {
  const sum = values.reduce((a, b) => a + b, 0);
  return sum === 0 ? values.slice() : values.map((value) => value / sum);
}
