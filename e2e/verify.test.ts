import { copyFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitForState } from '../farm/tab.ts';
import { ledgerFile } from '../subnet/store/target.ts';
import type { VerificationReport } from '../web/verify/report.ts';
import { launch, openWatched, type WatchedTab } from './browser/launch.ts';
import { createSubnet, type Subnet } from './browser/subnet.ts';
import { PATIENCE_MS, settled } from './browser/waits.ts';

/**
 * “Verify my rewards” in a real browser, against a real node: first an honest one, then one whose ledger somebody changed. Each test
 * goes on from the one before.
 */
let subnet: Subnet;
let browser: Browser;
let tab: WatchedTab;

/** No epoch closes while a test looks: closing one puts the leaves of the tree of balances right again. */
const LONG_EPOCHS = ['--epoch-slots', '1000'];

beforeAll(async () => {
  [subnet, browser] = await Promise.all([createSubnet(), launch()]);
  tab = await openWatched(browser, subnet.url);
  // Hash work is enough.
  await tab.context.route('**/models/**', (route) => route.abort());
});

afterAll(async () => {
  await browser?.close();
  await subnet?.remove();
});

const api = (): Promise<VerificationReport> => tab.page.evaluate(() => window.gridtab.verify());
const results = ({ checks }: VerificationReport) =>
  Object.fromEntries(checks.map((check) => [check.id, check.result === 'passed' ? 'passed' : check.code]));
const ALL_PASSED = {
  owner: 'passed',
  chain: 'passed',
  quorum: 'passed',
  supply: 'passed',
  signed: 'passed',
  included: 'passed',
  balance: 'passed',
  shown: 'passed',
};
const account = async (): Promise<string> => (await tab.state()).identity?.account ?? '';

async function restart(flags: readonly string[], whileStopped: () => unknown): Promise<void> {
  await subnet.stop();
  await waitForState(tab, (s) => s.connection.status !== 'online', PATIENCE_MS, 'the connection is lost');
  await whileStopped();
  await subnet.start(flags);
  await waitForState(
    tab,
    (s) =>
      s.connection.status === 'online' &&
      s.steps.some(({ id, status }) => id === 'register' && status === 'done'),
    PATIENCE_MS,
    'connected again',
  );
}

function change(sql: string, ...values: string[]): number {
  const database = new DatabaseSync(ledgerFile(subnet.dataDir));
  try {
    return Number(database.prepare(sql).run(...values).changes);
  } finally {
    database.close();
  }
}

it('cannot before there is somebody to ask, and says so', async () => {
  await expect(api()).rejects.toThrow('start it first');
  expect(await tab.page.getByRole('button', { name: 'Verify now' }).count()).toBe(0);
});

it('shows that everything holds, once an epoch has closed', async () => {
  await tab.start();
  await settled(tab);
  await tab.page.getByRole('button', { name: 'Verify now' }).click();
  const { verification } = await waitForState(
    tab,
    (s) => s.verification.status === 'done',
    PATIENCE_MS,
    'a report',
  );
  if (verification.status !== 'done') throw new Error('no report');
  const { report } = verification;
  expect(results(report)).toEqual(ALL_PASSED);
  expect(report.receipts.included).toBeGreaterThan(0);
  expect(report.receipts.included + report.receipts.waiting).toBe(report.receipts.all);
  expect(report.balance?.hashes).toBeGreaterThan(0);
  expect(report.balance?.hashes).toBeLessThanOrEqual(20);
  expect(report.headers).toMatchObject({ checked: (report.epoch ?? -1) + 1, linked: 0, pinnedAtMs: null });
  expect(report.signers).toMatchObject([{ stake: '1', signed: true }]);

  const panel = tab.page.getByRole('region', { name: 'Verify my rewards' });
  await panel.getByText('Everything holds, as of epoch').waitFor();
  expect(await panel.getByText('Holds', { exact: true }).count()).toBe(8);
  expect(await panel.innerText()).toContain('This subnet has one validator, so its word is the only one.');
});

it('goes on from what it saw before', async () => {
  const before = (await tab.state()).verification;
  const epoch = before.status === 'done' ? (before.report.epoch ?? 0) : 0;
  await waitForState(tab, (s) => (s.subnet?.epoch ?? 0) > epoch + 1, PATIENCE_MS, 'another epoch');
  const report = await api();
  expect(results(report)).toEqual(ALL_PASSED);
  expect(report.headers.pinnedAtMs).toBeGreaterThan(0);
  expect(report.headers.checked).toBe((report.epoch ?? 0) - epoch);

  // What was proven is what the ledger has on disk, unless another epoch closes in between.
  const id = await account();
  const onDisk = (): unknown =>
    subnet.query('select spendable, escrow from holdings where account = ?', id)[0];
  const proven = async (): Promise<boolean> => {
    const { balance } = await api();
    expect(balance?.escrow).not.toBe('0');
    return (
      JSON.stringify(onDisk()) === JSON.stringify({ spendable: balance?.spendable, escrow: balance?.escrow })
    );
  };
  await expect.poll(proven, { timeout: PATIENCE_MS }).toBe(true);
});

it('finds a balance that somebody changed, and says what that means', async () => {
  await restart(LONG_EPOCHS, async () => {
    // One base unit, on the disk of the validator.
    expect(
      change(
        'update holdings set escrow = cast(cast(escrow as integer) + 1 as text) where account = ?',
        await account(),
      ),
    ).toBe(1);
  });
  const report = await api();
  expect(results(report)).toEqual({ ...ALL_PASSED, balance: 'BALANCE_PATH', shown: 'UNPROVEN' });
  const panel = tab.page.getByRole('region', { name: 'Verify my rewards' });
  await panel.getByText('1 check does not hold').waitFor();
  expect(await panel.innerText()).toContain('do not lead to the signed header of epoch');
});

it('finds a receipt that was taken out of the ledger', async () => {
  await restart(LONG_EPOCHS, async () => {
    const id = await account();
    change('update holdings set escrow = cast(cast(escrow as integer) - 1 as text) where account = ?', id);
    expect(
      change(
        'delete from receipts where id = (select min(id) from receipts where account = ? and epoch = 0)',
        id,
      ),
    ).toBe(1);
  });
  const report = await api();
  expect(results(report)).toMatchObject({ ...ALL_PASSED, included: expect.stringMatching(/^RECEIPT_/) });
});

it('finds that the ledger was set back', async () => {
  const file = ledgerFile(subnet.dataDir);
  await restart([], async () => {
    // As a copy of the disk would be.
    change('pragma wal_checkpoint(truncate)');
    await copyFile(file, `${file}.copy`);
  });
  const seen = await waitForState(tab, (s) => (s.subnet?.epoch ?? 0) > 0, PATIENCE_MS, 'an epoch');
  await waitForState(
    tab,
    (s) => (s.subnet?.epoch ?? 0) > (seen.subnet?.epoch ?? 0) + 1,
    PATIENCE_MS,
    'two more epochs',
  );
  const before = await api();
  expect(results(before)['chain']).toBe('passed');
  await restart(LONG_EPOCHS, () => copyFile(`${file}.copy`, file));
  const report = await api();
  expect(results(report)).toMatchObject({ chain: 'HISTORY_SHORTER', balance: 'UNPROVEN' });
  await tab.page.getByText('The ledger has become shorter').waitFor();
  await tab.stop();
});

it('complained of nothing but the connections it lost', () => {
  expect(
    tab.complaints.filter(
      (line) => !/WebSocket connection to|ERR_CONNECTION_REFUSED|ERR_FAILED|models/.test(line),
    ),
  ).toEqual([]);
});
