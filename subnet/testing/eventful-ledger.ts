import { exportLedger } from '../audit/write-export.ts';
import type { Store } from '../store/store.ts';
import { WorkingLedger } from './working-ledger.ts';

/** Small numbers, so that a short history holds every kind of end. */
export const EVENTFUL_POLICY = { vestingTasks: 4, vestingEpochs: 2, punishedEpochs: 1 };

/** The events of a long ledger in seven epochs: work of two kinds, releases by age and by number, a forfeit, revealed audit keys. */
export async function eventfulLedger(path?: string): Promise<WorkingLedger> {
  const it = await WorkingLedger.open(path, EVENTFUL_POLICY);
  await it.accept(1, 10n);
  await it.accept(1, 20n, 'infer');
  await it.accept(2, 30n);
  await it.closeEpoch();
  // Its lot of the first epoch vests by number.
  for (let i = 0; i < 4; i++) await it.accept(1, 10n);
  await it.closeEpoch();
  await it.accept(2, 5n);
  await it.punish(2);
  await it.closeEpoch();
  await it.accept(3, 1n << 62n, 'infer');
  await it.closeEpoch(3);
  await it.accept(1, 10n);
  await it.accept(3, 7n);
  return it;
}

/** A ledger's export in one piece. */
export async function exported(store: Store): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of exportLedger(store.db)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}
