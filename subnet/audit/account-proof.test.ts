import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { holdingsLeaf, verifySumPath } from '../../protocol/merkle.ts';
import { FORFEIT_ACCOUNT } from '../ledger/settle.ts';
import { eventfulLedger } from '../testing/eventful-ledger.ts';
import { accountOf, OWNER } from '../testing/ledger.ts';
import type { WorkingLedger } from '../testing/working-ledger.ts';
import type { AuditedBlock } from './auditor.ts';
import { auditStore } from './audit-store.ts';
import { proveAccount } from './account-proof.ts';

let ledger: WorkingLedger;
let last: AuditedBlock;
beforeAll(async () => {
  ledger = await eventfulLedger();
  const audited = await auditStore(ledger.store);
  if (!audited.ok || audited.value.auditor.last === null) throw new Error('expected a closed epoch');
  last = audited.value.auditor.last;
});
afterAll(() => ledger.close());

describe('the proof of an account', () => {
  it('tells what the account has by the node, and leads to the signed header by a few hashes', async () => {
    for (const account of [OWNER, accountOf(1), accountOf(3)]) {
      const proven = proveAccount(last, account);
      if (!proven.ok) throw new Error(proven.message);
      const { holdings, path } = proven.value;
      const { spendable, held } = await ledger.ledger.funds(account);
      expect(holdings).toEqual({ account, spendable, escrow: held, onHold: 0n });
      expect(path.siblings.length).toBeLessThanOrEqual(Math.ceil(Math.log2(path.count)));
      expect(verifySumPath(holdingsLeaf(holdings), path, last.header.balances)).toBe(true);
    }
  });

  it('adds up to everything that was issued', () => {
    const all = [...last.block.holdings.values()];
    const sum = all.reduce((total, { spendable, escrow, onHold }) => total + spendable + escrow + onHold, 0n);
    expect(sum).toBe(last.header.totalIssued);
    expect(last.header.balances.sum).toBe(sum);
    expect(last.block.holdings.get(FORFEIT_ACCOUNT)?.spendable).toBeGreaterThan(0n);
  });

  it('is refused for an account that owned nothing, and under a header that too few have signed', () => {
    expect(proveAccount(last, accountOf(2))).toMatchObject({ ok: false, code: 'NOTHING_OWNED' });
    const unsigned = { ...last, signed: { ...last.signed, countersignatures: [] } };
    expect(proveAccount(unsigned, OWNER)).toMatchObject({ ok: false, code: 'UNPROVEN' });
    const other = { ...last, header: { ...last.header, balances: { hash: new Uint8Array(32), sum: 0n } } };
    expect(proveAccount(other, OWNER)).toMatchObject({ ok: false, code: 'UNPROVEN' });
  });
});
