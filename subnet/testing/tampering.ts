import { afterEach, expect } from 'vitest';
import { WorkingLedger } from './working-ledger.ts';

/** A change of a ledger's rows, and what an audit says of it. */
export type Tampering = [what: string, tamper: (it: WorkingLedger) => Promise<unknown>, difference: RegExp];

let open: WorkingLedger[] = [];
afterEach(async () => {
  await Promise.all(open.map((ledger) => ledger.close()));
  open = [];
});

/** A ledger that is closed after the test. */
export async function freshLedger(): Promise<WorkingLedger> {
  const made = await WorkingLedger.open();
  open.push(made);
  return made;
}

/** What an audit finds first; empty where nothing differs. */
export async function differenceIn(it: WorkingLedger): Promise<string> {
  const found = await it.audit();
  return found.ok ? '' : found.message;
}

/** What an audit finds once a ledger of a paid unit and two closed epochs was tampered with. */
export async function differenceAfter(tamper: Tampering[1]): Promise<string> {
  const it = await freshLedger();
  await it.accept(1, 10n);
  await it.closeEpoch(2);
  expect(await differenceIn(it)).toBe('');
  await tamper(it);
  return await differenceIn(it);
}
