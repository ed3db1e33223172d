import type { Outcome } from '../../protocol/outcome.ts';
import { fail } from '../../protocol/outcome.ts';
import type { Store } from '../store/store.ts';
import { auditLedger, type Audited, type Pins } from './audit-ledger.ts';
import { compareBlock, compareStore } from './compare-store.ts';
import { Difference } from './difference.ts';
import { exportLedger } from './write-export.ts';

/**
 * Audits a node's own ledger: its export, and then everything that the node keeps beside it. Reads one state of the database, so the
 * node may go on meanwhile.
 */
export async function auditStore(store: Store, pins: Pins = {}): Promise<Outcome<Audited, 'DIFFERENCE'>> {
  try {
    return await store.snapshot(async (tx) => {
      const audited = await auditLedger(exportLedger(tx), pins, (block) => compareBlock(tx, block));
      if (audited.ok) await compareStore(tx, audited.value.auditor);
      return audited;
    });
  } catch (error) {
    if (error instanceof Difference) return fail('DIFFERENCE', error.message);
    throw error;
  }
}
