import { compareAt, toHex } from '../../../protocol/bytes.ts';
import { readWeights, type VoteRow } from '../../../protocol/vote.ts';
import type { Reference } from './reference.ts';

/** A row of a vote as it counts: accounts in ascending order (lower-case hex), weights 1 to 65,535. */
export type Row = { accounts: readonly string[]; weights: Uint16Array };

/** UNPROVEN: pays an account without verified work. STARVED, OVERPAID: too far from what verified work is worth. */
export type ContradictionCode = 'UNPROVEN' | 'STARVED' | 'OVERPAID';
/** `account` is that whose part of the row is furthest from its part of the honest row, of equal ones the first. */
export type Contradiction = { code: ContradictionCode; account: string };

/**
 * An account may be given 4 / 5 to 5 / 4 of its part. Validators that vote what a header commits to agree to the unit; whose own
 * audits move scores by a tenth either way stays within it (11 / 9 at most). What is outside is not opinion, and what is inside
 * is what a majority can take: the room is as small as opinions let it be.
 */
const [MORE, LESS] = [5n, 4n];
/** Weights are whole numbers: one unit more or less is never an offence. */
const ROUNDING = 1n;

/**
 * Holds a row against the verified work: what is given to each account as a part of the whole row, w / W, beside its part of
 * the honest row, h / H. Exact, by cross multiplication. Not beside its part of the scores: rounding down takes up to a unit
 * from every account, so that some 16,400 accounts with next to no work would push each honest row out of bounds.
 */
export function readRow(
  row: VoteRow,
  reference: Reference,
): { row: Row; contradiction: Contradiction | null } {
  const weights = readWeights(row.weights);
  const given = BigInt(weights.reduce((a, b) => a + b, 0));
  const { accounts: known, weights: honest, total } = reference;
  const accounts: string[] = [];
  let matched = 0;
  let worst: Contradiction | null = null;
  let furthest = -1n;
  /** `fair` is the account's weight in the honest row; null for who has no verified work. */
  const hold = (account: string, weight: bigint, fair: bigint | null): void => {
    const [gives, earned] = [weight * total, (fair ?? 0n) * given];
    let code: ContradictionCode | null = null;
    if (fair === null) code = 'UNPROVEN';
    else if (MORE * (weight + ROUNDING) * total < LESS * earned) code = 'STARVED';
    else if (LESS * (weight - ROUNDING) * total > MORE * earned) code = 'OVERPAID';
    if (code === null) return;
    const distance = gives > earned ? gives - earned : earned - gives;
    if (distance <= furthest) return;
    furthest = distance;
    worst = { code, account };
  };
  let j = 0;
  for (let i = 0; i < weights.length; i++) {
    let order = -1;
    while (j < known.length && (order = compareAt(reference.bytes, 32 * j, row.accounts, 32 * i, 32)) < 0) {
      hold(known[j] ?? '', 0n, honest[j] ?? 0n);
      j += 1;
    }
    const isKnown = j < known.length && order === 0;
    const account = isKnown ? (known[j] ?? '') : toHex(row.accounts.subarray(32 * i, 32 * i + 32));
    accounts.push(account);
    hold(account, BigInt(weights[i] ?? 0), isKnown ? (honest[j] ?? 0n) : null);
    if (!isKnown) continue;
    j += 1;
    matched += 1;
  }
  for (; j < known.length; j++) hold(known[j] ?? '', 0n, honest[j] ?? 0n);
  // Rows that list everybody share one list: there are as many rows as validators, and lists may be long.
  const isWhole = matched === known.length && matched === accounts.length;
  return { row: { accounts: isWhole ? known : accounts, weights }, contradiction: worst };
}
