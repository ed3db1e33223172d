import type { Kysely } from 'kysely';
import { equalBytes, hexToBytes, toHex } from '../../protocol/bytes.ts';
import { hashCbor } from '../../protocol/cbor.ts';
import type { Schema } from '../store/schema.ts';
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
    .select(['epoch', 'beacon', 'slots'])
    .where('sealed_at_ms', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const key = auditKey(auditSecret, row.epoch);
  return { ...row, key, commitment: auditCommitment(key) };
}

export async function insertEpoch(
  tx: Tx,
  epoch: number,
  beacon: Uint8Array,
  openedAtMs: number,
): Promise<void> {
  await tx.insertInto('epochs').values({ epoch, beacon, opened_at_ms: openedAtMs }).execute();
}

/** The last epoch that has its header; null before any. Epochs close in order. */
export async function lastClosedEpoch(db: Kysely<Schema>): Promise<number | null> {
  const row = await db
    .selectFrom('epochs')
    .select('epoch')
    .where('payload', 'is not', null)
    .orderBy('epoch', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.epoch ?? null;
}

/** The subnet a ledger belongs to: 32 bytes. Throws on a ledger that no validator has opened yet. */
export const subnetOf = async (db: Kysely<Schema>): Promise<Uint8Array> =>
  hexToBytes(await named(db, 'subnet'));

/** The account of the subnet's owner, hex. Throws on a ledger that no validator has opened yet. */
export const ownerOf = (db: Kysely<Schema>): Promise<string> => named(db, 'owner');

async function named(db: Kysely<Schema>, key: 'subnet' | 'owner'): Promise<string> {
  const row = await db.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst();
  if (row === undefined) throw new Error('ledger: it belongs to no subnet yet');
  return row.value;
}

/** Makes a new ledger the subnet's, and refuses one that is another's: its receipts would not be of this one. */
export async function claimSubnet(
  tx: Tx,
  { subnet, owner }: { subnet: Uint8Array; owner: string },
): Promise<void> {
  await tx
    .insertInto('meta')
    .values([
      { key: 'subnet', value: toHex(subnet) },
      { key: 'owner', value: owner },
    ])
    .onConflict((oc) => oc.doNothing())
    .execute();
  if (!equalBytes(await subnetOf(tx), subnet) || (await ownerOf(tx)) !== owner) {
    throw new Error(
      'The ledger belongs to another subnet: its name or its owner key is not the one it was made with.',
    );
  }
}
