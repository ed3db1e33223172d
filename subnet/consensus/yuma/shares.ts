import { SHARE_ONE } from '../consensus.ts';
import type { YumaResult } from './fast.ts';
import type { YumaRules } from './rules.ts';

/** Parts of the emission by row and by column, on doubles: what yuma.md step 11 calls server, validator. */
export type EmissionParts = { servers: Float64Array; validators: Float64Array };

/**
 * How incentive and dividends divide one emission: by their common sum. Without a usable vote nothing, or the stake with
 * the reference's fallback.
 */
export function emissionParts(result: YumaResult, rules: YumaRules): EmissionParts {
  const { incentive, dividends, activeStake, stake } = result;
  const sum = total(incentive) + total(dividends);
  if (sum > 0) {
    return { servers: incentive.map((x) => x / sum), validators: dividends.map((x) => x / sum) };
  }
  const idle = total(activeStake) === 0 ? stake : activeStake;
  return {
    servers: incentive.slice(),
    validators: rules.reference.idleStakeFallback ? idle.slice() : dividends.slice(),
  };
}

/** Shares as the ledger takes them: parts of 2^48 of the miners' and of the validators' emission. */
export type YumaShares = {
  /** By column. */
  miners: BigInt64Array;
  /** By row. */
  validators: BigInt64Array;
};

/** The shares of an epoch; null when no vote was usable: then there is nothing to pay for. */
export function sharesOf(result: YumaResult): YumaShares | null {
  const miners = quantised(result.incentive);
  return miners === null
    ? null
    : { miners, validators: quantised(result.dividends) ?? nothing(result.dividends) };
}

/** Scores are counted in units of 2^-52 before they are divided, so that their sum is exact. */
const SCORE_UNITS = 4_503_599_627_370_496;

/** Scores as parts of 2^48 of their sum, each rounded down: they never sum to more than 2^48. Null when all are 0. */
function quantised(scores: Float64Array): BigInt64Array | null {
  const units = scores.map((score) => Math.floor(score * SCORE_UNITS));
  const sum = BigInt(total(units));
  return sum === 0n ? null : BigInt64Array.from(units, (unit) => (BigInt(unit) * SHARE_ONE) / sum);
}

const nothing = (values: Float64Array): BigInt64Array => new BigInt64Array(values.length);

const total = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
