import { hash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { hashCbor } from '../../protocol/cbor.ts';
import { receiptLeaf, rootOf, sumTree, type SumNode } from '../../protocol/merkle.ts';
import type { Schema } from '../store/schema.ts';
import type { Score } from '../trust/score-epoch.ts';
import type { SettlementLine } from './settle.ts';

/**
 * SHA-256 by Node's own implementation, for trees of many leaves. By way of a string: it takes a fifth of the time, since an array
 * of 32 bytes that is made here is no buffer for the collector to track.
 */
export function nativeSha256(bytes: Uint8Array): Uint8Array {
  const text = hash('sha256', bytes, 'binary');
  const digest = new Uint8Array(32);
  for (let i = 0; i < 32; i++) digest[i] = text.charCodeAt(i);
  return digest;
}

export const weightsDigest = (scores: readonly Score[]): Uint8Array =>
  // A score may pass 2^64, which CBOR integers do not.
  hashCbor(
    scores.map(({ mechanism, account, peer, quality, latency, weight, lastIndex }) => [
      mechanism,
      account,
      peer,
      quality,
      latency,
      weight.toString(),
      lastIndex,
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

/** Root over receipt hashes in ascending order, so that the order of arrival does not matter. */
export const receiptsRoot = (hashes: readonly Uint8Array[]): SumNode =>
  rootOf(
    sumTree(
      hashes.map((hash) => receiptLeaf(hash, nativeSha256)),
      nativeSha256,
    ),
  );

export const settlementDigest = (lines: readonly SettlementLine[]): Uint8Array =>
  hashCbor(lines.map(({ mechanism, role, account, amount }) => [mechanism, role, account, amount]));

export type AuditKeyRow = { validator: string; commitment: Uint8Array; audit_key: Uint8Array | null };

/** Commitments of an epoch's keys, and keys of an earlier one that are public by now; both in ascending order of validator. */
export const auditKeysDigest = (
  commitments: readonly Omit<AuditKeyRow, 'audit_key'>[],
  revealed: readonly Omit<AuditKeyRow, 'commitment'>[],
): Uint8Array =>
  hashCbor({
    commitments: commitments.map(({ validator, commitment }) => [validator, commitment]),
    revealed: revealed.map(({ validator, audit_key }) => [validator, audit_key]),
  });

/** Operations by their hashes, in the order they were done. */
export const operationsDigest = (hashes: readonly Uint8Array[]): Uint8Array => hashCbor(hashes);

/** Bonds by mechanism, in ascending order. */
export const statesDigest = (states: ReadonlyMap<string, Uint8Array>): Uint8Array =>
  hashCbor(
    [...states].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, bytes]) => [name, nativeSha256(bytes)]),
  );

/** What became of a validator's vote. */
export type VoteFate = { validator: string; standing: string; reason: string; revealed: Uint8Array | null };

export const votesDigest = (fates: readonly VoteFate[]): Uint8Array =>
  hashCbor(fates.map(({ validator, standing, reason, revealed }) => [validator, standing, reason, revealed]));
