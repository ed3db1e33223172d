import { afterEach, describe, expect, it } from 'vitest';
import { TRUST_POLICY } from '../config.ts';
import { accountOf } from '../testing/ledger.ts';
import { WorkingLedger } from '../testing/working-ledger.ts';
import { FORFEIT_ACCOUNT } from './settle.ts';

let open: WorkingLedger[] = [];
const fresh = async (): Promise<WorkingLedger> => {
  const made = await WorkingLedger.open();
  open.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(open.map((ledger) => ledger.close()));
  open = [];
});

describe('escrow', () => {
  const { vestingEpochs, vestingTasks, punishedEpochs } = TRUST_POLICY;

  it('holds what an epoch paid until it is old enough', async () => {
    const it = await fresh();
    await it.accept(1, 300n);
    await it.closeEpoch();
    const paid = await it.ledger.funds(accountOf(1));
    expect(paid).toMatchObject({ spendable: 0n, forfeited: 0n });
    expect(paid.held).toBeGreaterThan(0n);
    await it.closeEpoch(vestingEpochs - 1);
    expect(await it.ledger.funds(accountOf(1))).toEqual(paid);
    await it.closeEpoch();
    expect(await it.ledger.funds(accountOf(1))).toEqual({ spendable: paid.held, held: 0n, forfeited: 0n });
    expect(await it.audit()).toMatchObject({ ok: true, value: { held: 0n } });
  });

  it('holds it no longer than for so many further units of the same kind', async () => {
    const it = await fresh();
    await it.accept(1, 300n);
    await it.closeEpoch();
    const { held } = await it.ledger.funds(accountOf(1));
    // Units of another kind release nothing.
    for (let i = 0; i < vestingTasks; i++) await it.accept(1, 1n, 'infer');
    await it.closeEpoch();
    expect((await it.ledger.funds(accountOf(1))).spendable).toBe(0n);
    for (let i = 0; i < vestingTasks - 1; i++) await it.accept(1, 1n);
    await it.closeEpoch();
    expect((await it.ledger.funds(accountOf(1))).spendable).toBe(0n);
    await it.accept(1, 1n);
    await it.closeEpoch();
    expect((await it.ledger.funds(accountOf(1))).spendable).toBe(held);
    expect(await it.audit()).toMatchObject({ ok: true });
  }, 30_000);

  it('burns it when a failure is proven, with all that was not paid yet, and nobody else loses', async () => {
    const it = await fresh();
    for (const account of [1, 2]) await it.accept(account, 100n);
    await it.closeEpoch();
    const before = await it.ledger.funds(accountOf(1));
    await it.accept(1, 100n);
    await it.accept(2, 100n);
    await it.punish(1);
    expect(await it.ledger.funds(accountOf(1))).toEqual({ spendable: 0n, held: 0n, forfeited: before.held });
    await it.closeEpoch();
    expect(await it.ledger.funds(accountOf(1))).toEqual({ spendable: 0n, held: 0n, forfeited: before.held });
    // All that the second epoch paid for work went to the one that did it honestly.
    const rest = (await it.ledger.funds(accountOf(2))).held - 3n * before.held;
    expect(rest === 0n || rest === 1n).toBe(true); // halves round down
    const burnt = await it.store.db
      .selectFrom('balances')
      .select('amount')
      .where('account', '=', FORFEIT_ACCOUNT)
      .executeTakeFirstOrThrow();
    expect(BigInt(burnt.amount)).toBe(before.held);
    expect(await it.audit()).toMatchObject({ ok: true, value: { penalties: 1 } });
  });

  it('pays a punished peer nothing for so many epochs, then again', async () => {
    const it = await fresh();
    await it.accept(1, 100n);
    await it.punish(1);
    for (let i = 0; i <= punishedEpochs; i++) {
      await it.accept(1, 100n);
      await it.closeEpoch();
      expect(await it.settledOf(1)).toBe(0n);
    }
    await it.accept(1, 100n);
    await it.closeEpoch();
    expect(await it.settledOf(1)).toBeGreaterThan(0n);
    expect(await it.audit()).toMatchObject({ ok: true });
  });

  it('does not let a validator choose among the keys of older epochs', async () => {
    const it = await fresh();
    const old = it.ledger.current;
    await it.closeEpoch();
    for (let i = 0; i < 4; i++) await it.accept(1, 10n);
    // The epoch may close between a coin and its receipt.
    await it.accept(1, 10n, 'hash', false, old);
    await it.closeEpoch();
    // An audit may take longer than an epoch.
    await it.accept(1, 10n, 'hash', true, old);
    await it.closeEpoch(vestingEpochs + 2);
    expect(await it.audit()).toMatchObject({ ok: true, value: { coins: 6 } });
    // It signs for none itself; that an auditor takes none either is for forged.test.ts.
    for (let i = 0; i < 4; i++) await it.accept(1, 10n);
    await expect(it.accept(1, 10n, 'hash', false, old)).rejects.toThrow(/key of long before epoch/);
  }, 20_000);

  it('leaves the event loop its turns while it releases thousands', async () => {
    const it = await fresh();
    await it.closeEpoch(vestingEpochs);
    const held = { epoch: 0, mechanism: 'hash', account: accountOf(1), amount: '0' };
    const lots = Array.from({ length: 2_000 }, (_, i) => ({ ...held, peer: `p${i}`, last_index: 1_000 }));
    await it.store.write(async (tx) => {
      for (const lot of lots) await tx.insertInto('lots').values(lot).execute();
    });
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    await it.ledger.closeEpoch();
    counting = false;
    expect(turns).toBeGreaterThan(5);
  });

  it('publishes the audit key when everything of its epoch has vested, and its coins can be tossed again', async () => {
    const it = await fresh();
    for (let i = 0; i < 4; i++) await it.accept(1, 10n);
    for (const drawn of [true, false, true]) await it.accept(1, 10n, 'hash', drawn);
    await it.closeEpoch(vestingEpochs + 1);
    const rows = await it.store.db.selectFrom('audit_keys').select(['epoch', 'audit_key']).execute();
    const published = rows.filter(({ audit_key }) => audit_key !== null);
    expect(published.map(({ epoch }) => epoch)).toEqual([0]);
    expect(await it.audit()).toMatchObject({ ok: true, value: { coins: 7 } });
  });
});
