import { afterEach, describe, expect, it } from 'vitest';
import { isCountersigned, readEpoch, type EpochHeader } from '../../protocol/epoch.ts';
import { accountOf } from '../testing/ledger.ts';
import { SeveralValidators } from '../testing/several-validators.ts';
import { signaturesOf } from './blocks.ts';
import { epochHash } from '../../protocol/epoch.ts';

let all: SeveralValidators;
afterEach(() => all.close());

const STAKES = [30n, 30n, 20n, 20n];

/** Tab n works with validator n % 4; one unit of each kind. */
async function work(tabs: readonly number[], amount = 1_000n): Promise<void> {
  for (const tab of tabs) {
    const peer = all.peers[tab % all.peers.length];
    await peer?.work.accept(tab, amount);
    await peer?.work.accept(tab, 10n * amount, 'infer');
  }
}

async function headers(): Promise<EpochHeader[]> {
  const rows = await all.store.db
    .selectFrom('epochs')
    .select('payload')
    .where('payload', 'is not', null)
    .orderBy('epoch')
    .execute();
  return rows.map(({ payload }) => {
    const read = readEpoch(payload ?? new Uint8Array());
    if (!read.ok) throw new Error(read.message);
    return read.value;
  });
}

const paid = async (role: string) =>
  await all.store.db
    .selectFrom('settlements')
    .select(['epoch', 'mechanism', 'account', 'amount'])
    .where('role', '=', role)
    .orderBy('epoch')
    .orderBy('mechanism')
    .orderBy('account')
    .execute();

describe('several validators', () => {
  it('say how long the open epoch lasts in whole milliseconds, wherever the clock stands', async () => {
    all = await SeveralValidators.open(STAKES);
    for (const ms of [0.25, 33.3, 0, 77.7, 120.1]) {
      await all.step(ms);
      for (const { settlement } of all.peers) {
        expect(Number.isInteger(settlement.endsInMs())).toBe(true);
        expect(settlement.endsInMs()).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it('pay for the work of an epoch two epochs later, by votes that were hidden in between', async () => {
    all = await SeveralValidators.open(STAKES);
    await work([1, 2, 3, 4, 5, 6]);
    await all.until(1);
    expect(await paid('escrow')).toEqual([]);
    await all.until(2);
    const escrow = await paid('escrow');
    expect(escrow.map(({ epoch }) => epoch)).toEqual(escrow.map(() => 2));
    expect(new Set(escrow.map(({ account }) => account))).toEqual(
      new Set([1, 2, 3, 4, 5, 6].map((tab) => accountOf(tab))),
    );
    const validators = await paid('validator');
    expect(new Set(validators.map(({ account }) => account))).toEqual(
      new Set(all.peers.map(({ seat }) => seat.account)),
    );
  });

  it('sign one header for each epoch, with more than half of the stake, and the sums are those of the ledger', async () => {
    all = await SeveralValidators.open(STAKES);
    await work([1, 2, 3]);
    await all.until(4);
    const seats = all.peers.map(({ seat }) => seat);
    const rows = await all.store.db
      .selectFrom('epochs')
      .select(['epoch', 'payload'])
      .where('payload', 'is not', null)
      .execute();
    expect(rows).toHaveLength(5);
    for (const { epoch, payload } of rows) {
      const hash = epochHash({ payload: payload ?? new Uint8Array() });
      expect(
        isCountersigned(payload ?? new Uint8Array(), await signaturesOf(all.store.db, epoch, hash), seats),
      ).toBe(true);
    }
    for (const header of await headers()) expect(header.balances.sum).toBe(header.totalIssued);
    expect((await headers()).at(-1)?.totalIssued).toBeGreaterThan(0n);
  });

  it('do not need each other: the next one goes on where one has crashed, and it comes back', async () => {
    all = await SeveralValidators.open(STAKES);
    await work([1, 2, 3, 4]);
    await all.until(1);
    all.crash(0);
    await work([5, 6]);
    await all.until(5);
    await all.restart(0);
    await all.until(8);
    const reports = await all.store.db.selectFrom('reports').selectAll().orderBy('epoch').execute();
    const crashed = reports.filter(({ subject }) => subject === all.peers[0]?.seat.validator);
    expect(crashed.length).toBeGreaterThan(0);
    expect(crashed.every(({ code }) => code === 'withheld' || code === 'absent')).toBe(true);
    expect(reports.length).toBe(crashed.length);
    expect(Math.max(...crashed.map(({ epoch }) => epoch))).toBeLessThan(8);
  });

  it('close nothing without more than half of the stake, and go on when it is back', async () => {
    all = await SeveralValidators.open(STAKES);
    await all.until(0);
    all.crash(0);
    all.crash(1);
    for (let i = 0; i < 60; i++) await all.step(200);
    expect(await all.closed()).toBe(0);
    await all.restart(1);
    await all.until(3);
  });
});
