import { toHex } from '../../protocol/bytes.ts';
import type { PeerId } from '../../protocol/ids.ts';
import type { WorkFromNode, WorkFromTab } from '../../protocol/messages.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { Receipt, SignedReceipt } from '../../protocol/receipt.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { ReceiptClaim } from '../receipts/check.ts';
import type { UnitRow } from '../state/types.ts';

export type ResultMessage = Extract<WorkFromTab, { type: 'result' }>;
type Opening = Extract<WorkFromTab, { type: 'opening' }>;
export type Verdict = Extract<WorkFromNode, { type: 'accepted' | 'rejected' }>;

/** A result that waits for its verdict. The unit's input is not kept. */
export type Answered = {
  validator: PeerId;
  row: UnitRow;
  message: ResultMessage;
  /** What the result was sealed with, kept to be shown until the verdict; empty where nothing was. */
  interior: readonly Tensor[];
};

/** Results that were made and have no verdict yet, in the order they were made. */
export class Unanswered {
  readonly #waiting = new Map<string, Answered>();

  get size(): number {
    return this.#waiting.size;
  }

  has(taskId: string): boolean {
    return this.#waiting.has(taskId);
  }

  add(answered: Answered): void {
    this.#waiting.set(answered.row.taskId, answered);
  }

  /** What a new stream to `validator` has to carry again: it judges each once. */
  messagesFor(validator: PeerId): ResultMessage[] {
    return [...this.#waiting.values()]
      .filter((answered) => answered.validator === validator)
      .map(({ message }) => message);
  }

  /** The answer to `open`: what the result was sealed with; nothing of one that is not here or not for `validator`. */
  opening(taskId: Uint8Array, validator: PeerId): Opening {
    const answered = this.#waiting.get(toHex(taskId));
    const tensors = answered?.validator === validator ? [...answered.interior] : [];
    return { type: 'opening', taskId, tensors };
  }

  /** Takes out the result that a verdict of `validator` is on; null when it has none of that task. */
  take(taskId: Uint8Array, validator: PeerId): Answered | null {
    const id = toHex(taskId);
    const answered = this.#waiting.get(id);
    if (answered === undefined || answered.validator !== validator) return null;
    this.#waiting.delete(id);
    return answered;
  }
}

/** What a verdict makes of its unit's row. `onReceipt` checks and keeps the receipt that comes with it. */
export function judged(
  { validator, message }: Answered,
  verdict: Verdict,
  peer: PeerId,
  onReceipt: (signed: SignedReceipt, claim: ReceiptClaim) => Outcome<Receipt>,
): Partial<UnitRow> {
  const { taskId, digest } = message;
  const claim: ReceiptClaim = { validator, peer, taskId, kind: message.result.kind, digest };
  // A result that was sent again after a reconnect may have its verdict, and its receipt, already.
  const receipt = verdict.receipt === undefined ? null : onReceipt(verdict.receipt, claim);
  if (receipt?.ok) return { status: 'accepted', work: receipt.value.work.toString() };
  if (verdict.type === 'accepted') return { status: 'accepted' };
  return { status: 'rejected', refusal: { code: verdict.code, message: verdict.message } };
}
