import type { Kysely } from 'kysely';
import type { PeerId } from '../../protocol/ids.ts';
import { publicKeyOfPeer, sign, verify, type Signer } from '../../protocol/sign.ts';
import { nativeVerifier } from '../keys/verifier.ts';
import type { Schema } from '../store/schema.ts';
import type { Tx } from '../store/store.ts';
import { auditCommitment, auditKey } from '../trust/audit-coin.ts';
import type { AuditKeyRow } from './digests.ts';

type Holder = { subnet: Uint8Array; validator: PeerId; auditSecret: Uint8Array; signer: Signer };

/**
 * Publishes what this validator's key of the open epoch hashes to, before it tosses a coin with it. An epoch that is sealed takes
 * no more of them.
 */
export async function commitAuditKey(tx: Tx, epoch: number, holder: Holder): Promise<void> {
  const { subnet, validator } = holder;
  const commitment = auditCommitment(auditKey(holder.auditSecret, epoch));
  await tx
    .insertInto('audit_keys')
    .values({
      epoch,
      validator,
      commitment,
      signature: sign('gridtab/audit-key/1', { subnet, validator, epoch, commitment }, holder.signer),
    })
    .onConflict((oc) => oc.doNothing())
    .execute();
}

/** Publishes this validator's keys up to and with `through`: everything of those epochs has vested or lapsed. */
export async function publishAuditKeys(
  tx: Tx,
  through: number,
  openEpoch: number,
  holder: Holder,
): Promise<void> {
  const due = await tx
    .selectFrom('audit_keys')
    .select('epoch')
    .where('validator', '=', holder.validator)
    .where('epoch', '<=', through)
    .where('audit_key', 'is', null)
    .execute();
  for (const { epoch } of due) {
    await tx
      .updateTable('audit_keys')
      .set({ audit_key: auditKey(holder.auditSecret, epoch), published_epoch: openEpoch })
      .where('epoch', '=', epoch)
      .where('validator', '=', holder.validator)
      .execute();
  }
}

/** Keys of an epoch in ascending order of validator, those published after `asOf` left out. */
export async function auditKeysOf(
  db: Kysely<Schema>,
  epoch: number,
  asOf: number,
): Promise<(AuditKeyRow & { signature: Uint8Array })[]> {
  const rows = await db
    .selectFrom('audit_keys')
    .select(['validator', 'commitment', 'signature', 'audit_key', 'published_epoch'])
    .where('epoch', '=', epoch)
    .orderBy('validator')
    .execute();
  return rows.map(({ published_epoch, audit_key, ...row }) => ({
    ...row,
    audit_key: published_epoch !== null && published_epoch <= asOf ? audit_key : null,
  }));
}

/** Did the validator that the row names sign it? */
export function isOwnCommitment(
  subnet: Uint8Array,
  epoch: number,
  { validator, commitment, signature }: Omit<AuditKeyRow, 'audit_key'> & { signature: Uint8Array },
): boolean {
  const key = publicKeyOfPeer(validator as PeerId);
  const value = { subnet, validator, epoch, commitment };
  return key !== null && verify('gridtab/audit-key/1', value, signature, key, nativeVerifier);
}
