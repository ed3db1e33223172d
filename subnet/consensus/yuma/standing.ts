import type { YumaRules } from './rules.ts';
import type { YumaInput } from './votes.ts';

/** Stake that counts: 0 below the threshold, but for the owner (yuma.md 1.2, step 1). */
export const countedStake = (input: YumaInput, rules: YumaRules): bigint[] =>
  input.stake.map((stake, row) => (row !== input.owner && stake < rules.stakeThreshold ? 0n : stake));

/** May this row vote in this epoch? */
export const permitted = (input: YumaInput, row: number): boolean =>
  row === input.owner || input.permits[row] === true;

/** Has this row voted lately enough to have a voice? (step 0) */
export const isActive = (input: YumaInput, rules: YumaRules, row: number): boolean =>
  (input.lastUpdate[row] ?? 0) + rules.activityCutoff >= input.block;

/** Does the vote of this permitted row on this column count: not for itself, not older than who holds the column? (step 4) */
export function countsOn(input: YumaInput, row: number, column: number): boolean {
  if (column === input.self[row] && row !== input.owner) return false;
  const registered = input.registered[column] ?? 0;
  if ((input.lastUpdate[row] ?? 0) <= registered) return false;
  return input.commitBlock === null || (input.commitBlock[row] ?? Infinity) >= registered;
}

/** Which of `values` are among the `k` largest; of equal ones the later. */
export function topK(values: readonly (number | bigint)[], k: number): boolean[] {
  const ascending = values.map((value, index) => ({ value, index }));
  // Sorting is stable, so that of equal values the later index stands higher.
  ascending.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  const top = values.map(() => false);
  for (const { index } of ascending.slice(Math.max(0, values.length - k))) top[index] = true;
  return top;
}

/** Who may vote in the next epoch: the `maxValidators` largest stakes that are not nothing, and the owner (step 2). */
export const nextPermits = (stake: readonly bigint[], input: YumaInput, rules: YumaRules): boolean[] =>
  topK(stake, rules.maxValidators).map((top, row) => row === input.owner || (top && (stake[row] ?? 0n) > 0n));
