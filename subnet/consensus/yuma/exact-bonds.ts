import type { ExactRow } from './exact.ts';
import {
  alphaOf,
  clamp,
  FIXED_BITS,
  FIXED_ONE,
  fixedDiv,
  fixedMul,
  fixedNormalised,
  fixedSigmoid,
  fromU16,
  sum,
  toU16,
} from './fixed.ts';
import type { LiquidAlpha, YumaRules } from './rules.ts';
import type { YumaInput } from './votes.ts';

export type ExactBonds = {
  dividends: bigint[];
  /** By row, what is kept for the next epoch: 3: per pair, 2: the largest of a column is 1. */
  bonds: ExactRow[];
  /** By row, each column summing to 1. */
  bondShares: ExactRow[];
};

type Epoch = {
  input: YumaInput;
  weights: readonly ExactRow[];
  clipped: readonly ExactRow[];
  consensus: readonly bigint[];
  incentive: readonly bigint[];
  activeStake: readonly bigint[];
  permits: readonly boolean[];
};

/** Steps 8 to 10 of yuma.md 1.2 in Q32.32. `old` are the bonds by row as `exactCarried` left them. */
export function exactBonds(epoch: Epoch, old: readonly ExactRow[], rules: YumaRules): ExactBonds {
  const { input, weights, clipped, consensus, incentive, activeStake, permits } = epoch;
  const targets = weights.map((row, i) =>
    drawnRow(row, clipped[i] ?? new Map(), fromU16(rules.bondsPenalty)),
  );
  const kept = targets.map(
    (_, i) => new Map([...(old[i] ?? [])].filter(([j]) => input.bondsSince > (input.registered[j] ?? 0))),
  );
  const earn = (shares: readonly ExactRow[]): bigint[] =>
    shares.map((row) => sum([...row].map(([j, share]) => fixedMul(share, incentive[j] ?? 0n))));
  const permitted = (rows: readonly ExactRow[]): ExactRow[] =>
    rows.map((row, i) => (permits[i] === true ? row : new Map()));

  if (rules.version === 3) {
    const next = liquidNow(rules, consensus)
      ? liquidAverage(targets, kept, consensus, rules)
      : average(targets, kept, alphaOf(rules.bondsMovingAveragePpm));
    const bondShares = byColumn(next, total);
    const dividends = fixedNormalised(
      earn(bondShares).map((earned, i) => fixedMul(earned, activeStake[i] ?? 0n)),
    );
    return { dividends, bonds: permitted(next), bondShares };
  }
  const bought = targets.map(
    (row, i) => new Map([...row].map(([j, w]) => [j, fixedMul(w, activeStake[i] ?? 0n)])),
  );
  const bondShares = byColumn(
    average(byColumn(bought, total), byColumn(kept, total), alphaOf(rules.bondsMovingAveragePpm)),
    total,
  );
  const bonds = byColumn(bondShares, (a, b) => (a > b ? a : b));
  return { dividends: fixedNormalised(earn(bondShares)), bonds: permitted(bonds), bondShares };
}

/** What the next epoch starts from: the bonds as they are, or as the reference stores them (2: in units of 1 / 65,535). */
export const exactCarried = (bonds: readonly ExactRow[], rules: YumaRules): ExactRow[] =>
  bonds.map(
    (row) =>
      new Map(
        [...row].map(([j, bond]) => {
          if (!rules.reference.u16Bonds) return [j, bond];
          return [j, rules.version === 2 ? toU16(bond) << FIXED_BITS : fromU16(Number(toU16(bond)))];
        }),
      ),
  );

/** The submitted weights drawn towards the clipped ones; in between the two only what is above 0 remains. */
function drawnRow(row: ExactRow, clipped: ExactRow, penalty: bigint): ExactRow {
  if (penalty === 0n) return row;
  if (penalty === FIXED_ONE) return clipped;
  return new Map(
    [...row].flatMap(([j, w]) => {
      const value = exactDrawn(w, clipped.get(j) ?? 0n, penalty);
      return value > 0n ? [[j, value]] : [];
    }),
  );
}

export const exactDrawn = (weight: bigint, clipped: bigint, penalty: bigint): bigint =>
  weight + fixedMul(penalty, clipped - weight);

const total = (a: bigint, b: bigint): bigint => a + b;

/** Each entry divided by what `fold` makes of its column. */
function byColumn(rows: readonly ExactRow[], fold: (a: bigint, b: bigint) => bigint): ExactRow[] {
  const whole: ExactRow = new Map();
  for (const row of rows) for (const [j, value] of row) whole.set(j, fold(whole.get(j) ?? 0n, value));
  return rows.map(
    (row) =>
      new Map(
        [...row].map(([j, value]) => {
          const of = whole.get(j) ?? 0n;
          return [j, of === 0n ? value : fixedDiv(value, of)];
        }),
      ),
  );
}

const columnsOf = (...rows: readonly (ExactRow | undefined)[]): number[] =>
  [...new Set(rows.flatMap((row) => [...(row?.keys() ?? [])]))].sort((a, b) => a - b);

/** Moving average with one alpha for all; a bond without a vote decays. */
const average = (targets: readonly ExactRow[], old: readonly ExactRow[], alpha: bigint): ExactRow[] =>
  targets.map(
    (row, i) =>
      new Map(
        columnsOf(row, old[i]).flatMap((j) => {
          const bond = exactAveraged(old[i]?.get(j) ?? 0n, row.get(j) ?? 0n, alpha);
          return bond > 0n ? [[j, bond]] : [];
        }),
      ),
  );

const liquidNow = (rules: YumaRules, consensus: readonly bigint[]): boolean =>
  rules.liquidAlpha !== null && consensus.some((c) => c !== 0n);

/** Moving average with an alpha for each pair. The reference deletes a bond whose pair has no vote; here it decays. */
function liquidAverage(
  targets: readonly ExactRow[],
  old: readonly ExactRow[],
  consensus: readonly bigint[],
  rules: YumaRules,
): ExactRow[] {
  return targets.map((row, i) => {
    const columns = columnsOf(row, rules.reference.dropAbsentBonds ? undefined : old[i]);
    return new Map(
      columns.flatMap((j) => {
        const bond = old[i]?.get(j) ?? 0n;
        const target = row.get(j) ?? 0n;
        const alpha =
          rules.liquidAlpha === null ? 0n : exactAlpha(target, bond, consensus[j] ?? 0n, rules.liquidAlpha);
        const next = exactAveraged(bond, target, alpha);
        return next > 0n ? [[j, next]] : [];
      }),
    );
  });
}

/** One step of the moving average, within 0 and 1: both products are cut before they are added. */
export const exactAveraged = (old: bigint, target: bigint, alpha: bigint): bigint =>
  clamp(fixedMul(alpha, target) + fixedMul(FIXED_ONE - alpha, old), 0n, FIXED_ONE);

/** Liquid alpha of one pair (yuma.md 10b). */
export function exactAlpha(target: bigint, bond: bigint, consensus: bigint, liquid: LiquidAlpha): bigint {
  const low = fromU16(liquid.low);
  const high = fromU16(liquid.high);
  const distance = clamp(target >= bond ? target - consensus : bond - target, 0n, FIXED_ONE);
  const steepness = (BigInt(liquid.steepness) << FIXED_BITS) / 100n;
  const sigmoid = fixedSigmoid(distance, steepness, FIXED_ONE / 2n);
  return clamp(low + fixedMul(sigmoid, high - low), low, high);
}
