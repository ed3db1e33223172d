import { equalBytes, toHex } from './bytes.ts';
import { MAX_HOLD_EPOCHS, MAX_OPEN_HOLDS, MIN_AMOUNT } from './limits.ts';
import { holdName, openOperation, type Action, type Operation, type SignedOperation } from './operation.ts';
import { fail, ok, type Failure, type Outcome } from './outcome.ts';
import type { Verifier } from './sign.ts';

/**
 * The rules of spending. Pure, so that the node that takes an operation and whoever replays the ledger do the same with it.
 * Accounts and holds are lower-case hex, amounts base units.
 */

/** A hold that was neither paid nor given back yet. */
export type OpenHold = { account: string; payee: string; amount: bigint; expiresEpoch: number };

/** What operations are held against: all of a subnet, or the part of it that one operation touches. */
export type SpendingState = {
  /** By account; who is not in it has nothing. */
  holdings: Map<string, { spendable: bigint; escrow: bigint; onHold: bigint }>;
  /** The last nonce that each account has used. */
  nonces: Map<string, number>;
  /** Open holds by name, and how many each account has. */
  holds: Map<string, OpenHold>;
  openHolds: Map<string, number>;
};

export const emptySpending = (): SpendingState => ({
  holdings: new Map(),
  nonces: new Map(),
  holds: new Map(),
  openHolds: new Map(),
});

/** Why an operation is not done. Nothing has moved, and its nonce is still to be used. */
export type SpendingRefusal =
  /** It is for another subnet. */
  | 'WRONG_SUBNET'
  /** `notAfterEpoch` is over. */
  | 'EXPIRED'
  /** The account has done another operation of this nonce. */
  | 'NONCE_USED'
  /** The account has still to do operations before this one. */
  | 'NONCE_AHEAD'
  /** Less than MIN_AMOUNT, or nothing. */
  | 'TOO_SMALL'
  /** A transfer to the account that it is from. */
  | 'TO_SELF'
  /** More than the account may spend: credits in escrow and on hold do not count. */
  | 'INSUFFICIENT'
  /** The hold would be over already, or last longer than MAX_HOLD_EPOCHS. */
  | 'BAD_EXPIRY'
  /** The account has MAX_OPEN_HOLDS. */
  | 'TOO_MANY_HOLDS'
  /** No open hold has this name: there never was one, it was paid, or it went back. */
  | 'NO_SUCH_HOLD'
  /** The hold is for another payee. */
  | 'NOT_PAYEE'
  /** The hold's last epoch is over. */
  | 'HOLD_EXPIRED'
  /** The payments are more than what is on hold. */
  | 'OVER_HOLD';

/** What an operation does. Moves sum to nothing: no base unit is made or lost. */
export type Effects = {
  account: string;
  nonce: number;
  moves: readonly { account: string; part: 'spendable' | 'onHold'; by: bigint }[];
  opened: (OpenHold & { hold: string }) | null;
  /** The hold it ended, and how much of it was paid; the rest has gone back to `account`. */
  ended: { hold: string; account: string; paid: bigint } | null;
};

type Moved = Outcome<Pick<Effects, 'moves' | 'opened' | 'ended'>, SpendingRefusal>;

/** What `operation` does in the open epoch `at.epoch`, or why it is refused. Changes nothing: see `carryOut`. */
export function applyOperation(
  state: SpendingState,
  operation: Operation,
  at: { subnet: Uint8Array; epoch: number },
): Outcome<Effects, SpendingRefusal> {
  const account = toHex(operation.account);
  const next = (state.nonces.get(account) ?? 0) + 1;
  if (!equalBytes(operation.subnet, at.subnet))
    return fail('WRONG_SUBNET', 'The operation is for another subnet.');
  if (operation.nonce < next)
    return fail('NONCE_USED', `The account's next operation is number ${next}, not ${operation.nonce}.`);
  if (operation.nonce > next)
    return fail('NONCE_AHEAD', `The account's next operation is number ${next}, not ${operation.nonce}.`);
  if (operation.notAfterEpoch < at.epoch)
    return fail('EXPIRED', `It could be done up to epoch ${operation.notAfterEpoch}; this is ${at.epoch}.`);
  const moved = actionMoves(state, account, operation, at.epoch);
  return moved.ok ? ok({ account, nonce: operation.nonce, ...moved.value }) : moved;
}

function actionMoves(state: SpendingState, account: string, operation: Operation, epoch: number): Moved {
  const { action } = operation;
  switch (action.type) {
    case 'transfer': {
      const to = toHex(action.to);
      if (to === account) return fail('TO_SELF', 'A transfer needs another account to go to.');
      const refused = refusedAmount(state, account, action.amount);
      if (refused !== null) return refused;
      const moves = [
        { account, part: 'spendable' as const, by: -action.amount },
        { account: to, part: 'spendable' as const, by: action.amount },
      ];
      return ok({ moves, opened: null, ended: null });
    }
    case 'hold':
      return holdMoves(state, account, { ...action, hold: toHex(holdName(operation)) }, epoch);
    case 'pay':
      return payMoves(state, account, action, epoch);
  }
}

function holdMoves(
  state: SpendingState,
  account: string,
  { hold, amount, expiresEpoch, payee }: Extract<Action, { type: 'hold' }> & { hold: string },
  epoch: number,
): Moved {
  if (expiresEpoch < epoch || expiresEpoch - epoch > MAX_HOLD_EPOCHS)
    return fail('BAD_EXPIRY', `A hold ends in the epochs ${epoch} to ${epoch + MAX_HOLD_EPOCHS}.`);
  if ((state.openHolds.get(account) ?? 0) >= MAX_OPEN_HOLDS)
    return fail('TOO_MANY_HOLDS', `The account has ${MAX_OPEN_HOLDS} open holds.`);
  const refused = refusedAmount(state, account, amount);
  if (refused !== null) return refused;
  const moves = [
    { account, part: 'spendable' as const, by: -amount },
    { account, part: 'onHold' as const, by: amount },
  ];
  return ok({ moves, opened: { hold, account, payee: toHex(payee), amount, expiresEpoch }, ended: null });
}

function payMoves(
  state: SpendingState,
  account: string,
  { hold: name, to }: Extract<Action, { type: 'pay' }>,
  epoch: number,
): Moved {
  const hold = toHex(name);
  const open = state.holds.get(hold);
  if (open === undefined) return fail('NO_SUCH_HOLD', 'There is no open hold of this name.');
  if (open.payee !== account) return fail('NOT_PAYEE', 'The hold is for another payee.');
  if (open.expiresEpoch < epoch)
    return fail('HOLD_EXPIRED', `The hold could be paid up to epoch ${open.expiresEpoch}; this is ${epoch}.`);
  if (to.some(({ amount }) => amount < MIN_AMOUNT)) return tooSmall;
  const paid = to.reduce((sum, { amount }) => sum + amount, 0n);
  if (paid > open.amount)
    return fail('OVER_HOLD', `${paid} base units are more than the ${open.amount} on hold.`);
  const rest = open.amount - paid;
  const moves = [
    { account: open.account, part: 'onHold' as const, by: -open.amount },
    ...to.map(({ account, amount }) => ({ account: toHex(account), part: 'spendable' as const, by: amount })),
    ...(rest > 0n ? [{ account: open.account, part: 'spendable' as const, by: rest }] : []),
  ];
  return ok({ moves, opened: null, ended: { hold, account: open.account, paid } });
}

const tooSmall = fail('TOO_SMALL', `The least amount is ${MIN_AMOUNT} base units.`);

function refusedAmount(
  { holdings }: SpendingState,
  account: string,
  amount: bigint,
): Failure<'TOO_SMALL' | 'INSUFFICIENT'> | null {
  if (amount < MIN_AMOUNT) return tooSmall;
  const spendable = holdings.get(account)?.spendable ?? 0n;
  return amount > spendable
    ? fail('INSUFFICIENT', `The account may spend ${spendable} base units, not ${amount}.`)
    : null;
}

/** Does what `applyOperation` found. Throws where somebody would own less than nothing: the state is not what it was. */
export function carryOut(state: SpendingState, { account, nonce, moves, opened, ended }: Effects): void {
  for (const { account: owner, part, by } of moves) {
    const before = state.holdings.get(owner) ?? { spendable: 0n, escrow: 0n, onHold: 0n };
    const after = before[part] + by;
    if (after < 0n) throw new Error(`spending: ${owner} would have ${after} base units ${part}`);
    state.holdings.set(owner, { ...before, [part]: after });
  }
  state.nonces.set(account, nonce);
  if (opened !== null) {
    const { hold, ...open } = opened;
    state.holds.set(hold, open);
    state.openHolds.set(account, (state.openHolds.get(account) ?? 0) + 1);
  }
  if (ended !== null) endHold(state, ended.hold, ended.account);
}

function endHold(state: SpendingState, hold: string, account: string): void {
  state.holds.delete(hold);
  const left = (state.openHolds.get(account) ?? 1) - 1;
  if (left > 0) state.openHolds.set(account, left);
  else state.openHolds.delete(account);
}

/**
 * Does an epoch's operations again, in the order that the ledger has them. Fails at the first that is not signed by its account or
 * breaks a rule; those before it are done by then.
 */
export function replayOperations(
  state: SpendingState,
  operations: readonly SignedOperation[],
  at: { subnet: Uint8Array; epoch: number },
  verifier?: Verifier,
): Outcome<void, SpendingRefusal | 'MALFORMED' | 'BAD_SIGNATURE'> {
  for (const [i, signed] of operations.entries()) {
    const opened = openOperation(signed, verifier);
    const applied = opened.ok ? applyOperation(state, opened.value, at) : opened;
    if (!applied.ok) return fail(applied.code, `operation ${i + 1} of epoch ${at.epoch}: ${applied.message}`);
    carryOut(state, applied.value);
  }
  return ok(undefined);
}

/**
 * Ends the holds that nobody paid by the close of `epoch`, in ascending order of name. Their amounts are moved by the block that
 * closes the epoch, as it moves everything else of the close (subnet/ledger/block.ts).
 */
export function takeExpiredHolds(
  state: SpendingState,
  epoch: number,
): { hold: string; account: string; amount: bigint }[] {
  const expired = [...state.holds]
    .filter(([, { expiresEpoch }]) => expiresEpoch <= epoch)
    .map(([hold, { account, amount }]) => ({ hold, account, amount }))
    .sort((a, b) => (a.hold < b.hold ? -1 : 1));
  for (const { hold, account } of expired) endHold(state, hold, account);
  return expired;
}
