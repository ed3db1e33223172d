import { toHex } from '../../protocol/bytes.ts';
import { holdName, operationHash, type Operation, type SignedOperation } from '../../protocol/operation.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { applyOperation, type SpendingRefusal } from '../../protocol/spending.ts';
import type { Tx } from '../store/store.ts';
import { doneIn, readTouched, spendingEpoch, writeOperation } from './operation-rows.ts';

/** What became of an operation; the same each time it is asked for. */
export type OperationDone = {
  account: string;
  nonce: number;
  /** 32 bytes, hex. */
  hash: string;
  /** The epoch whose block commits to it. */
  epoch: number;
  /** Name of the hold it opened, hex; null where it opened none. */
  hold: string | null;
};

export type OperationRefusal =
  | SpendingRefusal
  | 'MALFORMED'
  | 'BAD_SIGNATURE'
  /**
   * An epoch is sealed and waits for the signatures under its header, which says what everybody owned when it was sealed: nothing
   * moves until then. Try again in a moment.
   */
  | 'SETTLING';

/**
 * Does an operation once, in the open epoch: balance, nonce and holds are checked and changed in the same transaction. One that
 * was done before gets its first answer again; a refusal is not remembered. Call inside a write, with what `openOperation` made of
 * `signed`.
 */
export async function doOperation(
  tx: Tx,
  subnet: Uint8Array,
  signed: SignedOperation,
  operation: Operation,
): Promise<Outcome<OperationDone, OperationRefusal>> {
  const hash = operationHash(signed);
  const before = await doneIn(tx, hash);
  if (before !== null) return ok(answer(operation, hash, before));
  const { epoch, settling } = await spendingEpoch(tx);
  if (settling) return fail('SETTLING', 'An epoch is being settled; try again in a moment.');
  const applied = applyOperation(await readTouched(tx, operation), operation, { subnet, epoch });
  if (!applied.ok) return applied;
  await writeOperation(tx, epoch, signed, applied.value);
  return ok(answer(operation, hash, epoch));
}

const answer = (operation: Operation, hash: Uint8Array, epoch: number): OperationDone => ({
  account: toHex(operation.account),
  nonce: operation.nonce,
  hash: toHex(hash),
  epoch,
  hold: operation.action.type === 'hold' ? toHex(holdName(operation)) : null,
});
