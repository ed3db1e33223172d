import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toHex } from '../protocol/bytes.ts';
import { epochHash, isCountersigned, readEpoch } from '../protocol/epoch.ts';
import type { PeerId } from '../protocol/ids.ts';
import { accountIdOf } from '../protocol/sign.ts';
import type { Seat } from '../protocol/validators.ts';
import { signaturesOf } from '../subnet/settlement/blocks.ts';
import { Computer } from './testing/compute.ts';
import { identityOf } from './testing/identity.ts';
import { Network } from './testing/network.ts';
import { Tab } from './testing/tab.ts';

/** The fourth is not honest; the third is killed. The other two hold more than half. */
const STAKES = [30, 30, 20, 20];
const KILLED = 2;
const LIAR = 3;
/** Which validator each tab is with at first; the last one is the liar's friend. */
const HOMES = [0, 0, 1, 1, KILLED, LIAR];

let network: Network;
let computer: Computer;
const tabs: Tab[] = [];

beforeAll(async () => {
  const friend = await identityOf(`tab-${HOMES.length - 1}`);
  network = await Network.create(
    STAKES,
    ['--epoch-slots', '3', '--slot-ms', '2000', '--patience-ms', '4000', '--log-level', 'info'],
    { index: LIAR, favoured: accountIdOf(friend.accountKeys.publicKey) },
  );
  await network.startAll();
  computer = new Computer(network.member(0).process?.url ?? '', await network.manifest(0));
  for (const [i, home] of HOMES.entries()) {
    const tab = new Tab({
      identity: await identityOf(`tab-${i}`),
      manifest: await network.manifest(home),
      computer,
      transport: 'websocket',
      elsewhere: true,
    });
    tab.start();
    tabs.push(tab);
  }
});

afterAll(async () => {
  await Promise.all(tabs.map((tab) => tab.stop()));
  await computer?.close();
  await network?.dispose();
});

const lastClosed = (): Promise<number> =>
  network.withStore(async ({ db }) => {
    const { last } = await db
      .selectFrom('epochs')
      .select((eb) => eb.fn.max('epoch').as('last'))
      .where('payload', 'is not', null)
      .executeTakeFirstOrThrow();
    return last ?? -1;
  });

async function untilClosed(epoch: number): Promise<void> {
  await expect.poll(lastClosed, { timeout: 120_000, interval: 250 }).toBeGreaterThanOrEqual(epoch);
}

const reportsOn = (index: number) =>
  network.withStore(({ db }) =>
    db
      .selectFrom('reports')
      .select(['epoch', 'code', 'detail'])
      .where('subject', '=', network.member(index).keys.validatorPeer)
      .orderBy('epoch')
      .execute(),
  );

describe('four validators on one database, and six tabs', () => {
  it('close epochs together, with the manifest that the owner’s node signs for all', async () => {
    const manifest = await network.manifest(1);
    expect(manifest.validators.filter(({ addresses }) => addresses.length > 0)).toHaveLength(4);
    await untilClosed(3);
    await expect.poll(() => tabs.every((tab) => tab.receipts.size > 0), { timeout: 30_000 }).toBe(true);
  });

  it('go on when one is killed in the middle of an epoch, and its tab goes elsewhere', async () => {
    const before = tabs[HOMES.indexOf(KILLED)]?.receipts.size ?? 0;
    await network.kill(KILLED);
    await untilClosed((await lastClosed()) + 3);
    const tab = tabs[HOMES.indexOf(KILLED)];
    await expect.poll(() => tab?.receipts.size ?? 0, { timeout: 60_000 }).toBeGreaterThan(before);
    const reports = await reportsOn(KILLED);
    expect(reports.length).toBeGreaterThan(0);
    expect(reports.every(({ code }) => code === 'absent' || code === 'withheld')).toBe(true);
  });

  it('put back a receipt that another one altered in the database', async () => {
    const { validatorPeer } = network.member(1).keys;
    const stranger = network.member(LIAR).keys.validatorAccount;
    const altered = await network.withStore(async ({ db }) => {
      const open = db.selectFrom('epochs').select('epoch').where('sealed_at_ms', 'is', null);
      const receipts = db.selectFrom('receipts').selectAll().where('validator', '=', validatorPeer);
      for (;;) {
        const receipt = await receipts.where('epoch', '=', open).orderBy('id').limit(1).executeTakeFirst();
        // Its validator has looked at it by then.
        await sleep(1_000);
        if (receipt === undefined) continue;
        const { numUpdatedRows } = await db
          .updateTable('receipts')
          .set({ work: '1', account: stranger })
          .where('task_id', '=', receipt.task_id)
          .where('epoch', '=', open)
          .executeTakeFirst();
        if (numUpdatedRows === 1n) return receipt;
      }
    });
    await untilClosed(altered.epoch);
    const after = await network.withStore(({ db }) =>
      db.selectFrom('receipts').selectAll().where('task_id', '=', altered.task_id).executeTakeFirstOrThrow(),
    );
    expect(after).toEqual({ ...altered, id: after.id });
    const said = network.members
      .flatMap(({ log }) => log)
      .filter(({ task }) => task === toHex(altered.task_id));
    expect(said.some(({ msg }) => /altered/.test(msg))).toBe(true);
  });

  it('take the killed one back', async () => {
    const at = await lastClosed();
    await network.start(KILLED);
    await untilClosed(at + 5);
    const [last] = (await reportsOn(KILLED)).slice(-1);
    expect(last?.epoch).toBeLessThan(at + 5);
  });

  it('give the one that favours its friend no voice, and the friend what others get for the same work', async () => {
    await Promise.all(tabs.map((tab) => tab.stop()));
    // The work of the last epochs is paid for two epochs later.
    await untilClosed((await lastClosed()) + 3);
    const masked = (await reportsOn(LIAR)).filter(({ code }) => code === 'masked');
    expect(masked.length).toBeGreaterThan(3);
    expect(await reportsOn(0)).toEqual([]);
    expect(await reportsOn(1)).toEqual([]);
    const paid = await network.withStore(({ db }) =>
      db.selectFrom('settlements').selectAll().where('role', 'in', ['escrow', 'validator']).execute(),
    );
    const liar = network.member(LIAR).keys.validatorAccount;
    const dividends = paid.filter(({ role }) => role === 'validator');
    const epochs = new Set(masked.map(({ epoch }) => epoch));
    // Where nobody but its friend has worked its vote is right, and counts.
    expect(dividends.filter(({ account, epoch }) => account === liar && epochs.has(epoch))).toEqual([]);
    expect(
      new Set(dividends.filter(({ account }) => account !== liar).map(({ account }) => account)),
    ).toEqual(new Set([0, 1, KILLED].map((i) => network.member(i).keys.validatorAccount)));
    // In each epoch all are paid in the proportion of their scores by the receipts.
    const scores = await network.withStore(({ db }) => db.selectFrom('weights').selectAll().execute());
    for (const { epoch, amount, account, role } of paid) {
      if (role !== 'escrow') continue;
      const of = scores.filter((score) => score.epoch === epoch - 2);
      const total = of.reduce((sum, { weight }) => sum + BigInt(weight), 0n);
      const own = of
        .filter((score) => score.account === account)
        .reduce((sum, { weight }) => sum + BigInt(weight), 0n);
      const all = paid
        .filter((line) => line.role === 'escrow' && line.epoch === epoch)
        .reduce((sum, line) => sum + BigInt(line.amount), 0n);
      // Votes are counted in parts of 65,535 of the largest.
      const off = Number(BigInt(amount) * total - own * all) / Number(total * all);
      expect(Math.abs(off)).toBeLessThan(1e-3);
    }
  });

  it('lose no receipt and pay none twice', async () => {
    const rows = await network.withStore(({ db }) => db.selectFrom('receipts').select('task_id').execute());
    const known = new Set(rows.map(({ task_id }) => toHex(task_id)));
    expect(known.size).toBe(rows.length);
    for (const tab of tabs) {
      expect(tab.wrongs).toEqual([]);
      expect(tab.refused).toEqual([]);
      for (const task of tab.receipts.keys()) expect(known.has(task)).toBe(true);
    }
  });

  it('leave a ledger that anybody can replay, each header signed by more than half of the stake', async () => {
    const seats = network.members.map(({ keys, stake }): Seat => ({
      validator: keys.validatorPeer as PeerId,
      stake: BigInt(stake),
      account: keys.validatorAccount,
    }));
    await network.withStore(async ({ db }) => {
      const rows = await db
        .selectFrom('epochs')
        .select(['epoch', 'payload'])
        .where('payload', 'is not', null)
        .execute();
      for (const { epoch, payload } of rows) {
        const bytes = payload ?? new Uint8Array();
        const header = readEpoch(bytes);
        expect(header.ok && header.value.epoch).toBe(epoch);
        const signatures = await signaturesOf(db, epoch, epochHash({ payload: bytes }));
        expect(isCountersigned(bytes, signatures, seats)).toBe(true);
      }
    });
    expect(await network.audit()).toMatchObject({ epochs: (await lastClosed()) + 1 });
  });
});
