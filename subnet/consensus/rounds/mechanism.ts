import type { MechanismShares } from '../consensus.ts';
import { noEntries, type Columns } from '../yuma/columns.ts';
import { carried, fastEpoch } from '../yuma/fast.ts';
import type { YumaRules } from '../yuma/rules.ts';
import { sharesOf } from '../yuma/shares.ts';
import { topK } from '../yuma/standing.ts';
import type { Votes } from '../yuma/votes.ts';
import { movedBonds, places } from './bonds-moved.ts';
import type { Row } from './contradiction.ts';
import type { Seat } from './judge-votes.ts';
import { ascending, indexIn, type Scores } from './reference.ts';

/** What one mechanism carries from epoch to epoch. Accounts and validators in ascending order. */
export type MechanismState = {
  /** Hex of 32 bytes: the columns. */
  accounts: readonly string[];
  /** By account: the last epoch in which it had verified work. */
  lastWork: readonly number[];
  /** Peer ids: the rows. */
  validators: readonly string[];
  /** Of each account (column) with each validator (row), above 0 and at most 1. */
  bonds: Columns;
};

export const EMPTY_STATE: MechanismState = {
  accounts: [],
  lastWork: [],
  validators: [],
  bonds: noEntries(0),
};

/** An account without verified work for so many epochs is no column any more, and its bonds end. */
const EXPIRY_EPOCHS = 20;

export type MechanismRound = {
  /** That of the votes. Never goes back. */
  epoch: number;
  /** Everybody with a seat, whether it voted or not. Each validator once; several may have one account. */
  seats: readonly Seat[];
  /** By validator: the rows with a voice (judge-votes.ts). Votes on accounts that are no columns count for nothing. */
  rows: ReadonlyMap<string, Row>;
  reference: Scores;
  rules: YumaRules;
};

/**
 * One epoch of one mechanism: shares, and the state for the next. Null shares when no vote is usable or nothing was
 * verified: then nothing is issued. Only seats with a row have a voice, and only they earn. Votes on a validator's own account
 * count for nothing. Pure, the same bits everywhere, whatever the order of seats and rows.
 */
export function nextShares(
  state: MechanismState,
  round: MechanismRound,
): { shares: MechanismShares | null; state: MechanismState } {
  const seats = round.seats.toSorted((a, b) => (a.validator < b.validator ? -1 : 1));
  const validators = seats.map(({ validator }) => validator);
  if (new Set(validators).size < validators.length) throw new RangeError('seats: a validator is given twice');
  const { accounts, lastWork } = columnsOf(state, round);
  const stake = seats.map((seat) => seat.stake);
  const permits = topK(stake, round.rules.maxValidators).map((top, i) => top && (stake[i] ?? 0n) > 0n);
  const result = fastEpoch(
    {
      // Votes are of this epoch or there are none, and accounts are held by nobody else before: two moments are enough.
      block: NOW,
      stake,
      permits,
      lastUpdate: validators.map((validator) => (round.rows.has(validator) ? NOW : NEVER)),
      commitBlock: null,
      votes: votesOn(accounts, validators, round.rows),
      registered: accounts.map(() => NEVER),
      self: seats.map(({ account }) => indexIn(accounts, account)),
      owner: -1,
      bondsSince: NOW,
    },
    movedBonds(
      state.bonds,
      places(state.validators, validators),
      places(state.accounts, accounts),
      accounts.length,
    ),
    { ...round.rules, activityCutoff: 0 },
  );
  const next = { accounts, lastWork, validators, bonds: carried(result.bonds, round.rules) };
  const worked = [...round.reference.values()].some((score) => score > 0n);
  const parts = worked ? sharesOf(result) : null;
  if (parts === null) return { shares: null, state: next };
  const shares: MechanismShares = { miners: new Map(), validators: new Map() };
  parts.miners.forEach((part, j) => add(shares.miners, accounts[j] ?? '', part));
  seats
    .map(({ account }, i) => ({ account, part: parts.validators[i] ?? 0n }))
    .sort((a, b) => (a.account < b.account ? -1 : 1))
    .forEach(({ account, part }) => add(shares.validators, account, part));
  return { shares, state: next };
}

const NEVER = 0;
const NOW = 1;

function add(shares: Map<string, bigint>, account: string, part: bigint): void {
  if (part > 0n) shares.set(account, (shares.get(account) ?? 0n) + part);
}

/** Who is a column in this epoch: whoever has verified work in it, or had in one of the epochs before. */
function columnsOf(
  state: MechanismState,
  { epoch, reference }: MechanismRound,
): Pick<MechanismState, 'accounts' | 'lastWork'> {
  const works = (account: string): boolean => (reference.get(account) ?? 0n) > 0n;
  const last = new Map<string, number>();
  state.accounts.forEach((account, i) => {
    const at = state.lastWork[i] ?? 0;
    if (works(account) || epoch - at < EXPIRY_EPOCHS) last.set(account, at);
  });
  for (const account of reference.keys()) if (works(account)) last.set(account, epoch);
  const accounts = ascending(last.keys());
  return { accounts, lastWork: accounts.map((account) => last.get(account) ?? epoch) };
}

/** The rows over these columns; whoever has none has no entries. */
function votesOn(
  accounts: readonly string[],
  validators: readonly string[],
  rows: ReadonlyMap<string, Row>,
): Votes {
  const voted = validators.map((validator) => rows.get(validator));
  const size = voted.reduce((sum, row) => sum + (row?.weights.length ?? 0), 0);
  const start = new Uint32Array(validators.length + 1);
  const column = new Uint32Array(size);
  const weight = new Uint16Array(size);
  // Most rows list the same accounts, and then they share the list.
  const found = new Map<readonly string[], Int32Array>();
  let k = 0;
  for (let i = 0; i < voted.length; i++) {
    const row = voted[i];
    if (row !== undefined) {
      const where = found.get(row.accounts) ?? places(row.accounts, accounts);
      found.set(row.accounts, where);
      for (let at = 0; at < where.length; at++) {
        const j = where[at]!;
        if (j < 0) continue;
        column[k] = j;
        weight[k] = row.weights[at]!;
        k += 1;
      }
    }
    start[i + 1] = k;
  }
  return {
    rows: validators.length,
    columns: accounts.length,
    start,
    column: column.subarray(0, k),
    weight: weight.subarray(0, k),
  };
}
