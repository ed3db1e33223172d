import { concatBytes, hexToBytes, sha256, toHex } from '../../protocol/bytes.ts';
import { hashCbor } from '../../protocol/cbor.ts';
import { receiptHash, type SignedReceipt } from '../../protocol/receipt.ts';
import type { ValidatorWeights } from '../consensus/consensus.ts';
import type { Score } from '../trust/score-epoch.ts';
import type { SettlementLine } from './settle.ts';

/** Each account's score by mechanism, summed over its peers, as this validator's weights. */
export function weightsOf(scores: readonly Score[], validator: string): Map<string, ValidatorWeights[]> {
  const byMechanism = new Map<string, Map<string, bigint>>();
  for (const { mechanism, account, weight } of scores) {
    const accounts = byMechanism.get(mechanism) ?? new Map<string, bigint>();
    accounts.set(account, (accounts.get(account) ?? 0n) + weight);
    byMechanism.set(mechanism, accounts);
  }
  return new Map([...byMechanism].map(([name, work]) => [name, [{ validator, stake: 1n, work }]]));
}

export const weightsDigest = (scores: readonly Score[]): Uint8Array =>
  // A score may pass 2^64, which CBOR integers do not.
  hashCbor(
    scores.map(({ mechanism, account, peer, weight }) => [mechanism, account, peer, weight.toString()]),
  );

/** sha256 over the receipt hashes in ascending order, so that the order of arrival does not matter. */
export function receiptsDigest(receipts: readonly SignedReceipt[]): Uint8Array {
  const hashes = receipts.map((receipt) => toHex(receiptHash(receipt))).sort();
  return sha256(concatBytes(...hashes.map(hexToBytes)));
}

export const settlementDigest = (lines: readonly SettlementLine[]): Uint8Array =>
  hashCbor(lines.map(({ mechanism, role, account, amount }) => [mechanism, role, account, amount]));
