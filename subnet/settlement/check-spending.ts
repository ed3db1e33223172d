import type { Kysely } from 'kysely';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import type { EpochHeader } from '../../protocol/epoch.ts';
import { EMPTY_ROOT, rootOf } from '../../protocol/merkle.ts';
import { holdName, openOperation, operationHash, type Operation } from '../../protocol/operation.ts';
import {
  emptySpending,
  replayOperations,
  takeExpiredHolds,
  type OpenHold,
  type SpendingState,
} from '../../protocol/spending.ts';
import { nativeVerifier } from '../keys/verifier.ts';
import type { EpochRows, LedgerState } from '../ledger/block.ts';
import { addTo, holdingsTree, inAccountOrder, type HoldingsByAccount } from '../ledger/holdings.ts';
import type { Schema } from '../store/schema.ts';

type Db = Kysely<Schema>;
type Row = { payload: Uint8Array; signature: Uint8Array; hash: Uint8Array; account: string; nonce: number };

/**
 * Holds what accounts own and have done, as rows that others can write say it, against what was signed: undoing an epoch's
 * operations has to give what the header before commits to, and doing them again has to be allowed.
 */
export class SpendingCheck {
  readonly #subnet: Uint8Array;
  /** Holds as their accounts opened them, by name. */
  #opened = new Map<string, OpenHold>();
  /** The last nonces before `#epoch`, and those of its operations: an operation of an earlier epoch is not done again. */
  readonly #used = new Map<string, number>();
  #epoch = -1;
  #nonces: ReadonlyMap<string, number> = new Map();

  constructor(subnet: Uint8Array) {
    this.#subnet = subnet;
  }

  /** What is wrong with the sealed epoch of `rows`, or null. `before` is the header of the epoch before it; null for the first. */
  async problem(
    db: Db,
    { state, rows }: { state: LedgerState; rows: EpochRows },
    before: EpochHeader | null,
  ): Promise<string | null> {
    const { epoch } = rows;
    const log = await logOf(db, epoch);
    const operations: Operation[] = [];
    for (const [i, row] of log.entries()) {
      const opened = openOperation(row, nativeVerifier);
      if (!opened.ok) return `operation ${i + 1}: ${opened.message}`;
      const { account, nonce } = opened.value;
      if (!equalBytes(row.hash, operationHash(row)) || row.account !== toHex(account) || row.nonce !== nonce)
        return `operation ${i + 1}: its row does not say what was signed`;
      operations.push(opened.value);
    }
    const holds = await this.#holdsBefore(db, epoch);
    if (typeof holds === 'string') return holds;
    const holdings = undo(state.holdings, operations, holds);
    if (holdings === null) return 'a hold was paid that nobody opened';
    const root = rootOf(holdingsTree(inAccountOrder(withEscrow(holdings, { state, rows }))));
    const signed = before?.balances ?? EMPTY_ROOT;
    if (root.sum !== signed.sum || !equalBytes(root.hash, signed.hash))
      return `what accounts own is not what the header of epoch ${epoch - 1} and the operations since say`;
    const start = { ...startOf(holdings, holds), nonces: await this.#noncesBefore(db, epoch, operations) };
    const replayed = replayOperations(start, log, { subnet: this.#subnet, epoch }, nativeVerifier);
    if (!replayed.ok) return replayed.message;
    this.#nonces = start.nonces;
    const expired = takeExpiredHolds(start, epoch).map(({ hold, amount }) => `${hold} ${amount}`);
    const given = rows.expiredHolds.map(({ hold, amount }) => `${toHex(hold)} ${amount}`);
    return expired.join() === given.join() ? null : 'other holds end than those whose last epoch it is';
  }

  /** The holds that were open when the epoch began, as they were signed; or what is wrong with a row. */
  async #holdsBefore(db: Db, epoch: number): Promise<Map<string, OpenHold> | string> {
    const rows = await db
      .selectFrom('holds')
      .select(['hold', 'account', 'opened_epoch'])
      .where('opened_epoch', '<', epoch)
      .where((eb) => eb.or([eb('ended_epoch', 'is', null), eb('ended_epoch', '=', epoch)]))
      .execute();
    const holds = new Map<string, OpenHold>();
    for (const { hold, account, opened_epoch } of rows) {
      const name = toHex(hold);
      const opened = this.#opened.get(name) ?? (await openingOf(db, { hold, account, epoch: opened_epoch }));
      if (opened === null) return `hold ${name} was opened by nobody`;
      holds.set(name, opened);
    }
    this.#opened = holds;
    return holds;
  }

  /** The last nonces before the epoch of those that did something in it. Remembers them, since rows can be deleted. */
  async #noncesBefore(db: Db, epoch: number, operations: readonly Operation[]): Promise<Map<string, number>> {
    if (epoch !== this.#epoch) for (const [account, nonce] of this.#nonces) this.#used.set(account, nonce);
    this.#epoch = epoch;
    const nonces = new Map<string, number>();
    for (const account of new Set(operations.map((operation) => toHex(operation.account)))) {
      const last = await db
        .selectFrom('operations')
        .select('nonce')
        .where('account', '=', account)
        .where('epoch', '<', epoch)
        .orderBy('nonce', 'desc')
        .limit(1)
        .executeTakeFirst();
      nonces.set(account, Math.max(last?.nonce ?? 0, this.#used.get(account) ?? 0));
    }
    return nonces;
  }
}

const logOf = (db: Db, epoch: number): Promise<Row[]> =>
  db
    .selectFrom('operations')
    .select(['payload', 'signature', 'hash', 'account', 'nonce'])
    .where('epoch', '=', epoch)
    .orderBy('id')
    .execute();

/** A hold as the account that it is of opened it; null where it did not. */
async function openingOf(
  db: Db,
  { hold, account, epoch }: { hold: Uint8Array; account: string; epoch: number },
): Promise<OpenHold | null> {
  const rows = await db
    .selectFrom('operations')
    .select(['payload', 'signature'])
    .where('account', '=', account)
    .where('epoch', '=', epoch)
    .execute();
  for (const row of rows) {
    const opened = openOperation(row, nativeVerifier);
    if (!opened.ok || !equalBytes(holdName(opened.value), hold)) continue;
    const { action, account } = opened.value;
    if (action.type !== 'hold') continue;
    const { payee, amount, expiresEpoch } = action;
    return { account: toHex(account), payee: toHex(payee), amount, expiresEpoch };
  }
  return null;
}

/** What accounts had before these operations; null where one pays a hold that there was not. */
function undo(
  after: HoldingsByAccount,
  operations: readonly Operation[],
  before: ReadonlyMap<string, OpenHold>,
): HoldingsByAccount | null {
  const holdings: HoldingsByAccount = new Map(after);
  const holds = new Map(before);
  for (const operation of operations) {
    const { action } = operation;
    const account = toHex(operation.account);
    switch (action.type) {
      case 'transfer':
        addTo(holdings, account, 'spendable', action.amount);
        addTo(holdings, toHex(action.to), 'spendable', -action.amount);
        break;
      case 'hold':
        addTo(holdings, account, 'spendable', action.amount);
        addTo(holdings, account, 'onHold', -action.amount);
        holds.set(toHex(holdName(operation)), { ...action, account, payee: toHex(action.payee) });
        break;
      case 'pay': {
        const hold = holds.get(toHex(action.hold));
        if (hold === undefined) return null;
        const paid = action.to.reduce((sum, { amount }) => sum + amount, 0n);
        for (const { account: to, amount } of action.to) addTo(holdings, toHex(to), 'spendable', -amount);
        addTo(holdings, hold.account, 'spendable', paid - hold.amount);
        addTo(holdings, hold.account, 'onHold', hold.amount);
        break;
      }
    }
  }
  return holdings;
}

/** With the lots that were held when the epoch began: those that are, and those that its seal ended. */
function withEscrow(
  spendable: HoldingsByAccount,
  { state, rows }: { state: LedgerState; rows: EpochRows },
): HoldingsByAccount {
  const holdings: HoldingsByAccount = new Map(spendable);
  for (const { account, amount } of [...state.held, ...rows.released, ...rows.forfeited])
    addTo(holdings, account, 'escrow', amount);
  return holdings;
}

function startOf(
  holdings: HoldingsByAccount,
  holds: ReadonlyMap<string, OpenHold>,
): Omit<SpendingState, 'nonces'> {
  const openHolds = new Map<string, number>();
  for (const { account } of holds.values()) openHolds.set(account, (openHolds.get(account) ?? 0) + 1);
  return { ...emptySpending(), holdings, holds: new Map(holds), openHolds };
}
