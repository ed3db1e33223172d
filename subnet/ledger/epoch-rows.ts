import { hashCbor } from '../../protocol/cbor.ts';
import type { Tx } from '../store/store.ts';
import { auditCommitment, auditKey } from '../trust/audit-coin.ts';

/** The epoch that takes receipts now. Byte fields are 32 bytes; `key` is secret. */
export type OpenEpoch = {
  epoch: number;
  beacon: Uint8Array;
  commitment: Uint8Array;
  key: Uint8Array;
  slots: number;
};

export const firstBeacon = (subnet: Uint8Array): Uint8Array =>
  hashCbor({ domain: 'gridtab/first-beacon/1', subnet });

/** The open epoch as the transaction sees it. Throws when there is none: the ledger always has one. */
export async function openEpochRow(tx: Tx, auditSecret: Uint8Array): Promise<OpenEpoch> {
  const open = await findOpenEpoch(tx, auditSecret);
  if (open === undefined) throw new Error('ledger: no open epoch');
  return open;
}

export async function findOpenEpoch(tx: Tx, auditSecret: Uint8Array): Promise<OpenEpoch | undefined> {
  const row = await tx
    .selectFrom('epochs')
    .select(['epoch', 'beacon', 'audit_commitment', 'slots'])
    .where('payload', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { epoch, beacon, audit_commitment: commitment, slots } = row;
  return { epoch, beacon, commitment, key: auditKey(auditSecret, epoch), slots };
}

export async function insertEpoch(
  tx: Tx,
  epoch: number,
  beacon: Uint8Array,
  auditSecret: Uint8Array,
): Promise<OpenEpoch> {
  const key = auditKey(auditSecret, epoch);
  const commitment = auditCommitment(key);
  await tx
    .insertInto('epochs')
    .values({
      epoch,
      beacon,
      audit_commitment: commitment,
      slots: 0,
      opened_at_ms: Date.now(),
      payload: null,
      signature: null,
    })
    .execute();
  return { epoch, beacon, commitment, key, slots: 0 };
}
