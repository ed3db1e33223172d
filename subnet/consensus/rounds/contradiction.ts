import { compareAt, toHex } from '../../../protocol/bytes.ts';
import { readWeights, type VoteRow } from '../../../protocol/vote.ts';
import type { Reference } from './reference.ts';

/** A row of a vote as it counts: accounts in ascending order (lower-case hex), weights 1 to 65,535. */
export type Row = { accounts: readonly string[]; weights: Uint16Array };

/** UNPROVEN: pays an account without verified work. STARVED, OVERPAID: too far from what verified work is worth. */
export type ContradictionCode = 'UNPROVEN' | 'STARVED' | 'OVERPAID';
/** `account` is that whose part of the row is furthest from its part of the verified work, of equal ones the first. */
export type Contradiction = { code: ContradictionCode; account: string };

/**
 * How many times more or less than its part of the verified work an account may be given. Validators that score the same
 * receipts agree to the unit; the room is for their own audits. What is outside is not opinion.
 */
const FACTOR = 4n;
/** Weights are whole numbers: one unit more is never an offence. */
const ROUNDING = 1n;

/**
 * Holds a row against the verified work: what is given to each account as a part of the whole row, w / W, beside what it has
 * scored as a part of all, r / R. Exact, by cross multiplication.
 */
export function readRow(
  row: VoteRow,
  reference: Reference,
): { row: Row; contradiction: Contradiction | null } {
  const weights = readWeights(row.weights);
  const given = BigInt(weights.reduce((a, b) => a + b, 0));
  const { accounts: known, scores, total, threshold } = reference;
  const accounts: string[] = [];
  let matched = 0;
  let worst: Contradiction | null = null;
  let furthest = -1n;
  const hold = (account: string, weight: bigint, score: bigint): void => {
    const [gives, earned] = [weight * total, score * given];
    let code: ContradictionCode | null = null;
    if (score === 0n) code = weight > 0n ? 'UNPROVEN' : null;
    else if (score >= threshold && FACTOR * gives < earned) code = 'STARVED';
    else if ((weight - ROUNDING) * total > FACTOR * earned) code = 'OVERPAID';
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
      hold(known[j] ?? '', 0n, scores[j] ?? 0n);
      j += 1;
    }
    const isKnown = j < known.length && order === 0;
    const account = isKnown ? (known[j] ?? '') : toHex(row.accounts.subarray(32 * i, 32 * i + 32));
    accounts.push(account);
    hold(account, BigInt(weights[i] ?? 0), isKnown ? (scores[j] ?? 0n) : 0n);
    if (!isKnown) continue;
    j += 1;
    matched += 1;
  }
  for (; j < known.length; j++) hold(known[j] ?? '', 0n, scores[j] ?? 0n);
  // Rows that list everybody share one list: there are as many rows as validators, and lists may be long.
  const isWhole = matched === known.length && matched === accounts.length;
  return { row: { accounts: isWhole ? known : accounts, weights }, contradiction: worst };
}
