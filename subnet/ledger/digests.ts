import type { Kysely } from 'kysely';
import { concatBytes, hexToBytes, sha256, toHex } from '../../protocol/bytes.ts';
import { hashCbor } from '../../protocol/cbor.ts';
import { receiptHash, type SignedReceipt } from '../../protocol/receipt.ts';
import type { ValidatorWeights } from '../consensus/consensus.ts';
import type { Schema } from '../store/schema.ts';
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
    scores.map(({ mechanism, account, peer, quality, latency, weight }) => [
      mechanism,
      account,
      peer,
      quality,
      latency,
      weight.toString(),
    ]),
  );

/** A proven failure as an epoch's header commits to it. `taskId` is 32 bytes. */
export type Penalty = { taskId: Uint8Array; peer: string; account: string; kind: string; code: string };

/** The proven failures of an epoch, in ascending order of task. */
export async function penaltiesOf(db: Kysely<Schema>, epoch: number): Promise<Penalty[]> {
  return await db
    .selectFrom('penalties')
    .select(['task_id as taskId', 'peer', 'account', 'kind', 'code'])
    .where('epoch', '=', epoch)
    .orderBy('task_id')
    .execute();
}

export const penaltiesDigest = (penalties: readonly Penalty[]): Uint8Array =>
  hashCbor(penalties.map(({ taskId, peer, account, kind, code }) => [taskId, peer, account, kind, code]));

/** sha256 over the receipt hashes in ascending order, so that the order of arrival does not matter. */
export function receiptsDigest(receipts: readonly SignedReceipt[]): Uint8Array {
  const hashes = receipts.map((receipt) => toHex(receiptHash(receipt))).sort();
  return sha256(concatBytes(...hashes.map(hexToBytes)));
}

export const settlementDigest = (lines: readonly SettlementLine[]): Uint8Array =>
  hashCbor(lines.map(({ mechanism, role, account, amount }) => [mechanism, role, account, amount]));
