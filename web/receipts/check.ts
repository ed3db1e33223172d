import { equalBytes } from '../../protocol/bytes.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { fail, type Outcome } from '../../protocol/outcome.ts';
import { openReceipt, type Receipt, type SignedReceipt } from '../../protocol/receipt.ts';

/** What a receipt must say to count in this tab. */
export type ReceiptContext = {
  /** 32 bytes. */
  subnet: Uint8Array;
  /** 32-byte public key. */
  account: Uint8Array;
  validators: ReadonlySet<PeerId>;
};

/** The work a receipt answers: what this tab did, as it remembers it. */
export type ReceiptClaim = {
  validator: PeerId;
  peer: PeerId;
  taskId: Uint8Array;
  kind: string;
  digest: Uint8Array;
};

export type ReceiptFailure = 'MALFORMED' | 'BAD_SIGNATURE' | 'NOT_OURS';

/**
 * Reads a receipt and checks its signature, that a validator of the manifest gave it, and that it pays our account in
 * our subnet; with `claim` also that it is for that very result. Takes about a millisecond.
 */
export function checkReceipt(
  signed: SignedReceipt,
  context: ReceiptContext,
  claim?: ReceiptClaim,
): Outcome<Receipt, ReceiptFailure> {
  const opened = openReceipt(signed);
  if (!opened.ok) return opened;
  const receipt = opened.value;
  const wrong = (field: string) => fail('NOT_OURS', `the receipt names another ${field}`);
  if (!equalBytes(receipt.subnet, context.subnet)) return wrong('subnet');
  if (!equalBytes(receipt.account, context.account)) return wrong('account');
  if (!context.validators.has(receipt.validator)) return wrong('validator');
  if (claim !== undefined) {
    if (receipt.validator !== claim.validator) return wrong('validator');
    if (receipt.peer !== claim.peer) return wrong('peer');
    if (!equalBytes(receipt.taskId, claim.taskId)) return wrong('task');
    if (receipt.kind !== claim.kind) return wrong('kind');
    if (!equalBytes(receipt.digest, claim.digest)) return wrong('result');
  }
  return opened;
}
