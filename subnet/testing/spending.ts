import { accountOf, type Account } from '../../protocol/account.ts';
import { hexToBytes } from '../../protocol/bytes.ts';
import { MIN_AMOUNT } from '../../protocol/limits.ts';
import {
  holdName,
  signOperation,
  type Action,
  type Operation,
  type SignedOperation,
} from '../../protocol/operation.ts';
import { Spending } from '../spending/spending.ts';
import { openTestLedger, SUBNET, VALIDATOR_SEED, type TestLedger } from './ledger.ts';
import { WorkingLedger } from './working-ledger.ts';

/** The account of a fixed seed, with its key. */
export const partyOf = (n: number): Account => accountOf(new Uint8Array(32).fill(n));
/** The validator's account: the one that has credits to spend as soon as an epoch has closed. */
export const VALIDATOR = accountOf(VALIDATOR_SEED);

/** A unit of amounts that rules let through. */
export const M = MIN_AMOUNT;

export const transfer = (to: Account, amount: bigint): Action => ({
  type: 'transfer',
  to: to.publicKey,
  amount,
});
export const hold = (payee: Account, amount: bigint, expiresEpoch: number): Action => ({
  type: 'hold',
  payee: payee.publicKey,
  amount,
  expiresEpoch,
});
export const pay = (name: string, ...to: [Account, bigint][]): Action => ({
  type: 'pay',
  hold: hexToBytes(name),
  to: to.map(([{ publicKey }, amount]) => ({ account: publicKey, amount })),
});

export function operationOf(
  party: Account,
  nonce: number,
  action: Action,
  change: Partial<Operation> = {},
): Operation {
  return { subnet: SUBNET, account: party.publicKey, nonce, notAfterEpoch: 1_000_000, action, ...change };
}
export const signed = (
  party: Account,
  nonce: number,
  action: Action,
  change: Partial<Operation> = {},
): SignedOperation => signOperation(operationOf(party, nonce, action, change), party.seed);

export const holdNameOf = (party: Account, nonce: number): string =>
  Buffer.from(holdName({ subnet: SUBNET, account: party.publicKey, nonce })).toString('hex');

export type TestSpending = TestLedger & { spending: Spending; working: WorkingLedger };

/** A ledger whose validator may spend about 0.4 credits, and where account 1 has as much in escrow. Epoch 1 is open. */
export async function openTestSpending(path?: string): Promise<TestSpending> {
  const base = await openTestLedger(path);
  const spending = new Spending({ store: base.store, subnet: SUBNET });
  const working = WorkingLedger.over(base, 0);
  if (path === undefined) {
    await working.accept(1, 1_000n);
    for (let slot = 0; slot < 10; slot++) await base.ledger.recordSlot();
    await base.ledger.closeEpoch();
  }
  return { ...base, spending, working };
}

/** Does an action as the account's next operation. Throws where it is refused. */
export async function act({ spending }: TestSpending, party: Account, action: Action): Promise<void> {
  const { nextNonce } = await spending.account(party.id);
  const done = await spending.submit(signed(party, nextNonce, action));
  if (!done.ok) throw new Error(`${done.code}: ${done.message}`);
}

/** Base units on all accounts: what may be spent, what is in escrow, what is on hold. */
export async function owned({ store }: TestLedger): Promise<bigint> {
  const { db } = store;
  const rows = [
    ...(await db.selectFrom('balances').select('amount').execute()),
    ...(await db.selectFrom('lots').select('amount').where('ended_epoch', 'is', null).execute()),
    ...(await db.selectFrom('holds').select('amount').where('ended_epoch', 'is', null).execute()),
  ];
  return rows.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
}
