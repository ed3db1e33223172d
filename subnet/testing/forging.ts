import { epochHash, openEpoch, signEpoch, type EpochHeader, type SignedEpoch } from '../../protocol/epoch.ts';
import { VALIDATOR_SEED } from './ledger.ts';
import type { WorkingLedger } from './working-ledger.ts';

/** Signs and countersigns the header of a closed epoch anew. */
export async function resign(
  it: WorkingLedger,
  epoch: number,
  change: Partial<EpochHeader>,
  seed: Uint8Array = VALIDATOR_SEED,
): Promise<void> {
  const { db } = it.store;
  const row = await db.selectFrom('epochs').selectAll().where('epoch', '=', epoch).executeTakeFirstOrThrow();
  const header = openEpoch(row as SignedEpoch);
  if (!header.ok) throw new Error(header.message);
  const forged = signEpoch({ ...header.value, ...change }, seed);
  await db.updateTable('epochs').set(forged).where('epoch', '=', epoch).execute();
  await db
    .updateTable('header_signatures')
    .set({ hash: epochHash(forged), signature: forged.signature })
    .where('epoch', '=', epoch)
    .execute();
}
