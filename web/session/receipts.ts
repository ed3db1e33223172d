import { toHex } from '../../protocol/bytes.ts';
import type { Manifest } from '../../protocol/manifest.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { Receipt, SignedReceipt } from '../../protocol/receipt.ts';
import type { ReceiptBook } from '../receipts/book.ts';
import { checkReceipt, type ReceiptClaim } from '../receipts/check.ts';
import type { StateStore } from '../state/store.ts';
import { problemOf } from './problems.ts';

export type ReceiptDesk = {
  /** For a result of this tab: checked at once, kept in the background. */
  claim: (signed: SignedReceipt, claim: ReceiptClaim) => Outcome<Receipt>;
  /** From the ledger: of any tab of the account. Null when it does not hold up. */
  keep: (signed: SignedReceipt) => Promise<Receipt | null>;
};

export type ReceiptDeskDeps = {
  book: ReceiptBook;
  state: StateStore;
  subnet: Uint8Array;
  account: Uint8Array;
  manifest: () => Manifest;
  /** A receipt for work of this tab, in this run. */
  onVerified: () => void;
};

/** Checks receipts, keeps those that hold up, and says so where one does not. */
export function receiptDesk({
  book,
  state,
  subnet,
  account,
  manifest,
  onVerified,
}: ReceiptDeskDeps): ReceiptDesk {
  const check = (signed: SignedReceipt, claim?: ReceiptClaim): Outcome<Receipt> => {
    const validators = new Set(manifest().validators.map(({ peer }) => peer));
    const checked = checkReceipt(signed, { subnet, account, validators }, claim);
    if (!checked.ok) {
      const where = claim === undefined ? 'from the ledger' : `task ${toHex(claim.taskId).slice(0, 16)}`;
      state.addProblem(problemOf('RECEIPT_INVALID', `${where}: ${checked.message}`));
    }
    return checked;
  };
  const keep = async (signed: SignedReceipt, receipt: Receipt): Promise<void> => {
    const added = await book.add(signed, receipt);
    state.update({ receipts: book.view });
    if (!added.ok) state.addProblem(problemOf(added.code, added.message));
    else if (added.value !== null) state.emit('receipt', added.value);
  };
  return {
    claim: (signed, claim) => {
      const checked = check(signed, claim);
      if (checked.ok) {
        onVerified();
        void keep(signed, checked.value);
      }
      return checked;
    },
    keep: async (signed) => {
      const checked = check(signed);
      if (!checked.ok) return null;
      await keep(signed, checked.value);
      return checked.value;
    },
  };
}
