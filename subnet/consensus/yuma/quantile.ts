import { U16_ONE } from './rules.ts';

/** Sums of stake stay below this, so that they are exact in a double, in whatever order. */
const EXACT_BITS = 52;

/** Stakes as whole numbers whose sums are exact in doubles: shifted right by as much as it takes, the same for all. */
export function wholeStakes(stake: readonly bigint[]): { stake: Float64Array; total: number } {
  const sum = stake.reduce((a, b) => a + b, 0n);
  const shift = BigInt(Math.max(0, sum.toString(2).length - EXACT_BITS));
  const whole = Float64Array.from(stake, (value) => Number(value >> shift));
  return { stake: whole, total: whole.reduce((a, b) => a + b, 0) };
}

/** How much of `total` at least must stand behind a weight: ⌈total · kappa / 65,535⌉, exact. */
export const neededStake = (total: number, kappa: number): number =>
  Number((BigInt(total) * BigInt(kappa) + BigInt(U16_ONE - 1)) / BigInt(U16_ONE));

/**
 * The largest value that `needed` of the stake reaches: the stake-weighted quantile of `value[0..n)`, 0 when there is none.
 * Whoever has no entry has value 0. Selects in linear time on average and reorders both arrays; sums of whole stakes are
 * exact, so the order does not matter.
 */
export function quantile(value: Float64Array, stake: Float64Array, n: number, needed: number): number {
  let missing = needed;
  let low = 0;
  let high = n;
  while (low < high) {
    const pivot = value[(low + high) >>> 1]!;
    // Three parts: [low, above) is larger than the pivot, [above, equal) equals it, the rest is smaller.
    let above = low;
    let equal = low;
    let stakeAbove = 0;
    let stakeEqual = 0;
    for (let i = low; i < high; i++) {
      const v = value[i]!;
      if (v < pivot) continue;
      const s = stake[i]!;
      if (v > pivot) {
        stakeAbove += s;
        swap(value, stake, i, equal);
        swap(value, stake, equal, above);
        above += 1;
      } else {
        stakeEqual += s;
        swap(value, stake, i, equal);
      }
      equal += 1;
    }
    if (above > low && stakeAbove >= missing) high = above;
    else if (stakeAbove + stakeEqual >= missing) return pivot;
    else {
      missing -= stakeAbove + stakeEqual;
      low = equal;
    }
  }
  return 0;
}

function swap(value: Float64Array, stake: Float64Array, i: number, j: number): void {
  const v = value[i]!;
  value[i] = value[j]!;
  value[j] = v;
  const s = stake[i]!;
  stake[i] = stake[j]!;
  stake[j] = s;
}
