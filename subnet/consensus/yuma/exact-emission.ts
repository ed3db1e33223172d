import { FIXED_BITS, fixedDiv, fixedNormalised, sum } from './fixed.ts';
import type { ExactResult } from './exact.ts';
import type { YumaRules } from './rules.ts';

/** Whole amounts by column, by row, and by both where rows and columns are the same. */
export type ExactAmounts = { servers: bigint[]; validators: bigint[]; combined: bigint[] };

/** Parts of the emission as `emissionParts`, in Q32.32 (yuma.md step 11). */
function exactParts(result: ExactResult, rules: YumaRules): ExactAmounts {
  const { incentive, dividends, activeStake, stake } = result;
  const both = incentive.map((x, i) => x + (dividends[i] ?? 0n));
  const whole = sum(incentive) + sum(dividends);
  if (whole === 0n && rules.reference.idleStakeFallback) {
    const idle = sum(activeStake) === 0n ? stake : activeStake;
    return { servers: incentive, validators: idle, combined: idle };
  }
  const part = (x: bigint): bigint => fixedDiv(x, whole);
  return { servers: incentive.map(part), validators: dividends.map(part), combined: fixedNormalised(both) };
}

/** What each gets of an emission of `amount`, cut to whole units. */
export function exactAmounts(result: ExactResult, rules: YumaRules, amount: bigint): ExactAmounts {
  const parts = exactParts(result, rules);
  const whole = (values: readonly bigint[]): bigint[] => values.map((part) => (part * amount) >> FIXED_BITS);
  return {
    servers: whole(parts.servers),
    validators: whole(parts.validators),
    combined: whole(parts.combined),
  };
}
