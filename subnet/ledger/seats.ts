import type { Kysely } from 'kysely';
import { equalBytes, hexToBytes } from '../../protocol/bytes.ts';
import {
  openValidatorSet,
  validatorSetHash,
  type Seat,
  type SignedValidatorSet,
} from '../../protocol/validators.ts';
import { nativeVerifier } from '../keys/verifier.ts';
import type { Schema } from '../store/schema.ts';
import type { Tx } from '../store/store.ts';

/** Who validates in an epoch, and what its header calls it: 32 bytes. */
export type Seats = { seats: readonly Seat[]; digest: Uint8Array; fromEpoch: number };

/** The set in force in `epoch`. Throws where there is none, or where its row is not what `owner` (hex) signed. */
export async function seatsAt(
  db: Kysely<Schema>,
  epoch: number,
  { owner, subnet }: { owner: string; subnet: Uint8Array },
): Promise<Seats> {
  const row = await db
    .selectFrom('validator_sets')
    .selectAll()
    .where('from_epoch', '<=', epoch)
    .orderBy('from_epoch', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) throw new Error(`ledger: nobody validates in epoch ${epoch}`);
  const opened = openValidatorSet(row, hexToBytes(owner), nativeVerifier);
  if (!opened.ok) throw new Error(`ledger: the validator set of epoch ${row.from_epoch}: ${opened.message}`);
  const { fromEpoch, seats } = opened.value;
  if (fromEpoch !== row.from_epoch || !equalBytes(opened.value.subnet, subnet))
    throw new Error(`ledger: the validator set of epoch ${row.from_epoch} is that of another`);
  return { seats, digest: validatorSetHash(row), fromEpoch };
}

/** Puts a set into force from an epoch on that is not open yet, or from the first. A set that is there already stays. */
export async function installSeats(tx: Tx, fromEpoch: number, signed: SignedValidatorSet): Promise<void> {
  await tx
    .insertInto('validator_sets')
    .values({ from_epoch: fromEpoch, payload: signed.payload, signature: signed.signature })
    .onConflict((oc) => oc.doNothing())
    .execute();
}
