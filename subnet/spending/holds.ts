import { hexToBytes } from '../../protocol/bytes.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { signOperation } from '../../protocol/operation.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Signer } from '../../protocol/sign.ts';
import type { SpendingRefusal } from '../../protocol/spending.ts';
import type { Tx } from '../store/store.ts';
import { nextNonce, spendingEpoch } from './operation-rows.ts';
import { holdView, type HoldView } from './queries.ts';
import { doOperation, type OperationRefusal } from './submit.ts';

/**
 * How work is bought, from the side of the payee, which is the account of the validator that runs it:
 *
 *     quote ─→ the requester signs a hold for it ─→ `coversQuote` ─→ the work is done ─→ `payHold`, the rest goes back
 *                                                                └→ it is given up ───→ `cancelHold`, all goes back
 *                                                                └→ nothing happens ──→ all goes back at the close of expiresEpoch
 *
 * From the hold on the requester cannot take the credits away, and the payee can give away no more than what is on hold. All of
 * these run inside the caller's write: what a job becomes and who is paid for it are on disk together or not at all.
 * Whoever takes a hold for a job writes down which (one hold, one job): a hold does not know what it is for.
 */

/** What a job costs. It holds for the job once it is given. */
export type Quote = {
  payee: AccountId;
  /** Base units. */
  amount: bigint;
  /** The last epoch in which the work may be paid. */
  throughEpoch: number;
};

/** Whether a hold is open and as large and as long as the quote. `hold` is its name, hex. */
export async function coversQuote(
  tx: Tx,
  hold: string,
  quote: Quote,
): Promise<
  Outcome<HoldView, Extract<SpendingRefusal, 'NO_SUCH_HOLD' | 'NOT_PAYEE'> | 'TOO_LITTLE' | 'TOO_SHORT'>
> {
  const view = await holdView(tx, hold);
  if (view === null || view.ended !== null)
    return fail('NO_SUCH_HOLD', 'There is no open hold of this name.');
  if (view.payee !== quote.payee) return fail('NOT_PAYEE', 'The hold is for another payee.');
  if (view.amount < quote.amount)
    return fail('TOO_LITTLE', `${view.amount} base units are on hold, and ${quote.amount} are asked for.`);
  if (view.expiresEpoch < quote.throughEpoch)
    return fail('TOO_SHORT', `The hold ends with epoch ${view.expiresEpoch}, and not ${quote.throughEpoch}.`);
  return ok(view);
}

/** Who signs payments: its key, and the subnet, 32 bytes. */
export type Payee = { subnet: Uint8Array; account: AccountId; signer: Uint8Array | Signer };

/**
 * Pays out of a hold and gives the rest back; gives what was paid. Base units to at most MAX_PAYMENTS accounts; several parts of
 * one account are added up. A hold is paid once: the same sum again is answered like the first time, so that whoever is not sure
 * may ask again. `SETTLING`: nothing has moved, the hold is as it was; try again once the epoch is closed.
 */
export async function payHold(
  tx: Tx,
  payee: Payee,
  hold: string,
  to: readonly { account: AccountId; amount: bigint }[],
): Promise<Outcome<{ paid: bigint }, OperationRefusal>> {
  const paid = to.reduce((sum, { amount }) => sum + amount, 0n);
  const before = await holdView(tx, hold);
  if (before !== null && before.payee === payee.account && before.ended?.paid === paid) return ok({ paid });
  const sums = new Map<AccountId, bigint>();
  for (const { account, amount } of to) sums.set(account, (sums.get(account) ?? 0n) + amount);
  const operation = {
    subnet: payee.subnet,
    account: hexToBytes(payee.account),
    nonce: await nextNonce(tx, payee.account),
    notAfterEpoch: (await spendingEpoch(tx)).epoch,
    action: {
      type: 'pay' as const,
      hold: hexToBytes(hold),
      to: [...sums].map(([account, amount]) => ({ account: hexToBytes(account), amount })),
    },
  };
  const done = await doOperation(tx, payee.subnet, signOperation(operation, payee.signer), operation);
  return done.ok ? ok({ paid }) : done;
}

/** Gives all of a hold back: nothing was done for it. */
export const cancelHold = (
  tx: Tx,
  payee: Payee,
  hold: string,
): Promise<Outcome<{ paid: bigint }, OperationRefusal>> => payHold(tx, payee, hold, []);
