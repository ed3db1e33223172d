import type { SignedReceipt } from '../../protocol/receipt.ts';
import { refusal, type RefusalCode } from '../../protocol/refusal.ts';
import type { Verdict } from './judge.ts';

/** Longest `message` of a refusal on the wire, with the standard sentence before it. */
const MAX_DETAIL_CHARS = 250;

/** The verdict that refuses a result. */
export function rejected(
  taskId: Uint8Array,
  code: RefusalCode,
  detail?: string,
  receipt?: SignedReceipt | null,
): Verdict {
  const reason = refusal(code, detail?.slice(0, MAX_DETAIL_CHARS));
  return { type: 'rejected', taskId, ...reason, ...(receipt == null ? {} : { receipt }) };
}
