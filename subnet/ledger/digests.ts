import { concatBytes, hexToBytes, sha256, toHex } from '../../protocol/bytes.ts';
import { hashCbor } from '../../protocol/cbor.ts';
import { receiptHash, type SignedReceipt } from '../../protocol/receipt.ts';
import type { ValidatorWeights } from '../consensus/consensus.ts';
import type { SettlementLine } from './settle.ts';

/** Each account's verified work by kind, as this validator's weights. */
export function weightsOf(
  receipts: readonly { kind: string; account: string; work: string }[],
  validator: string,
): Map<string, ValidatorWeights[]> {
  const byKind = new Map<string, Map<string, bigint>>();
  for (const { kind, account, work } of receipts) {
    const accounts = byKind.get(kind) ?? new Map<string, bigint>();
    accounts.set(account, (accounts.get(account) ?? 0n) + BigInt(work));
    byKind.set(kind, accounts);
  }
  return new Map([...byKind].map(([kind, work]) => [kind, [{ validator, stake: 1n, work }]]));
}

/** sha256 over the receipt hashes in ascending order, so that the order of arrival does not matter. */
export function receiptsDigest(receipts: readonly SignedReceipt[]): Uint8Array {
  const hashes = receipts.map((receipt) => toHex(receiptHash(receipt))).sort();
  return sha256(concatBytes(...hashes.map(hexToBytes)));
}

export const settlementDigest = (lines: readonly SettlementLine[]): Uint8Array =>
  hashCbor(lines.map(({ mechanism, account, amount }) => [mechanism, account, amount]));
