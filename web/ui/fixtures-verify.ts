import type { Check, CheckId, Signer, VerificationReport } from '../verify/report.ts';
import { CHECK_IDS, failed } from '../verify/report.ts';

/** Results of “Verify my rewards” to look at: what each check says is taken from here. */

const SIGNERS: Signer[] = [
  { validator: '12D3KooWBv7eHcM4yLr2tXq9WfKp6sJd3nGaZu8oRi5TbYx1CmQk', stake: '400', signed: true },
  { validator: '12D3KooWKx5mTzQ8vNe1uLp7BgRj2sYd9hWaCf4oEi6TbMx3VnHt', stake: '350', signed: true },
  { validator: '12D3KooWRs3jFyH6wPq8nXk2VbLt5mCd7gZaUe9oNi1TcKx4QfWp', stake: '250', signed: false },
];

/** A report in which every check but those in `others` passed. */
const reportWith = (
  atMs: number,
  others: Partial<Record<CheckId, Omit<Extract<Check, { result: 'failed' | 'open' }>, 'id'>>> = {},
  change: Partial<VerificationReport> = {},
): VerificationReport => ({
  checks: CHECK_IDS.map((id): Check => {
    const other = others[id];
    return other === undefined ? { id, result: 'passed' } : ({ id, ...other } as Check);
  }),
  atMs,
  tookMs: 3120,
  epoch: 1283,
  closedAtMs: atMs - 8_000,
  headers: { checked: 12, linked: 1272, from: 0, pinnedAtMs: atMs - 3 * 3600_000 },
  receipts: { all: 1843, signed: 1843, included: 1809, waiting: 34, waitingEpoch: 1284, elsewhere: 0 },
  balance: { spendable: '1200633155763', escrow: '3618204511', onHold: '0', hashes: 17, owns: true },
  shown: { settled: '1204251360274', held: '3618204511' },
  issued: '1283771204551',
  signers: SIGNERS,
  ...change,
});

const open = (code: 'NO_ANSWER' | 'NO_EPOCH' | 'NO_RECEIPTS' | 'UNPROVEN' | 'NEWER', detail = '') => ({
  result: 'open' as const,
  code,
  detail,
});

const TASK = '7c'.repeat(32);

/** `hostile` is text that wants to be more than text. */
export const verifyReports = (atMs: number, hostile: string) => ({
  holds: reportWith(atMs),
  /** A first visit, to a subnet of one validator. */
  alone: reportWith(
    atMs,
    {},
    {
      headers: { checked: 9, linked: 0, from: 0, pinnedAtMs: null },
      receipts: { all: 41, signed: 41, included: 38, waiting: 3, waitingEpoch: 9, elsewhere: 2 },
      epoch: 8,
      balance: { spendable: '0', escrow: '2870000000', onHold: '0', hashes: 3, owns: true },
      shown: { settled: '2870000000', held: '2870000000' },
      issued: '6300000000',
      signers: SIGNERS.slice(0, 1),
    },
  ),
  /** Somebody altered the ledger that the validator serves. */
  fails: reportWith(
    atMs,
    {
      included: failed('RECEIPT_MISSING', 1279, TASK, 3),
      balance: failed('BALANCE_PATH', 1283),
      shown: open('UNPROVEN'),
    },
    {
      balance: null,
      shown: null,
      receipts: { all: 1843, signed: 1843, included: 1806, waiting: 34, waitingEpoch: 1284, elsewhere: 0 },
    },
  ),
  rewritten: reportWith(
    atMs,
    {
      owner: open('UNPROVEN'),
      chain: failed('HISTORY_CHANGED', 1271),
      quorum: open('UNPROVEN'),
      supply: open('UNPROVEN'),
      included: open('UNPROVEN'),
      balance: open('UNPROVEN'),
      shown: open('UNPROVEN'),
    },
    {
      epoch: null,
      closedAtMs: null,
      headers: { checked: 0, linked: 1271, from: 0, pinnedAtMs: atMs - 3 * 3600_000 },
      receipts: { all: 1843, signed: 1843, included: 0, waiting: 34, waitingEpoch: 1284, elsewhere: 0 },
      balance: null,
      shown: null,
      issued: null,
      signers: [],
    },
  ),
  partly: reportWith(
    atMs,
    { shown: open('NEWER') },
    { shown: { settled: '1154251360274', held: '3618204511' } },
  ),
  hostile: reportWith(
    atMs,
    {
      chain: failed('HEADER_MALFORMED', Number.MAX_SAFE_INTEGER, hostile),
      quorum: failed('SETTLER_UNSIGNED', 1, hostile),
      signed: failed('RECEIPT_FORGED', 1, hostile, Number.MAX_SAFE_INTEGER),
      included: open('NO_ANSWER', hostile),
    },
    {
      signers: [{ validator: hostile, stake: '9'.repeat(20), signed: false }],
      issued: 'many',
      shown: { settled: hostile, held: hostile },
      headers: { checked: Number.MAX_SAFE_INTEGER, linked: 1, from: 0, pinnedAtMs: 1e300 },
    },
  ),
});
