import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventfulLedger, exported } from '../testing/eventful-ledger.ts';
import { accountOf, OWNER } from '../testing/ledger.ts';
import type { WorkingLedger } from '../testing/working-ledger.ts';
import { ledgerFile } from '../store/target.ts';
import { ledgerCommand } from './ledger.ts';

let folder: string;
let ledger: WorkingLedger;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridtab-command-'));
  ledger = await eventfulLedger(ledgerFile(folder));
});
afterAll(async () => {
  await ledger.close();
  await rm(folder, { recursive: true, force: true });
});

/** What the command prints; throws what it throws. */
async function run(...args: string[]): Promise<string> {
  const printed: string[] = [];
  const write = vi
    .spyOn(process.stdout, 'write')
    .mockImplementation((text) => printed.push(String(text)) > 0);
  try {
    await ledgerCommand().parseAsync([...args, '--data', folder], { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return printed.join('');
}
const runJson = async (...args: string[]): Promise<unknown> => JSON.parse(await run(...args, '--json'));

describe('gridtab ledger', () => {
  it('audits the ledger of a running node, and says on whose word the validators are', async () => {
    expect(await run('audit')).toMatch(
      /The ledger holds: 6 closed epochs, 11 receipts \(2 in the open epoch\).*1 proven failures\.\n.*by the ledger’s own word/s,
    );
    expect(await run('audit', '--owner', OWNER)).toMatch(new RegExp(`those that the owner ${OWNER} signed`));
    expect(await runJson('audit')).toMatchObject({
      epochs: 6,
      receipts: 11,
      owner: OWNER,
      ownerPinned: false,
    });
    await expect(run('audit', '--owner', accountOf(7))).rejects.toThrow(/its owner is/);
  });

  it('writes an export that is audited the same, and names what is wrong with one that was changed', async () => {
    const out = join(folder, 'ledger.export');
    expect(await runJson('export', '--out', out)).toMatchObject({ out });
    const bytes = await readFile(out);
    expect(new Uint8Array(bytes)).toEqual(await exported(ledger.store));
    expect(await runJson('audit', '--file', out, '--owner', OWNER)).toMatchObject({
      epochs: 6,
      receipts: 11,
    });
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await writeFile(out, bytes);
    await expect(run('audit', '--file', out)).rejects.toThrow(/the ledger does not hold: (epoch|byte) \d/);
  });

  it('proves what an account owned', async () => {
    const { spendable, held } = await ledger.ledger.funds(accountOf(1));
    expect(await runJson('proof', accountOf(1))).toMatchObject({
      hashes: 3,
      holdings: { account: accountOf(1), spendable: spendable.toString(), escrow: held.toString() },
      header: { epoch: 5 },
    });
    expect(await run('proof', accountOf(1))).toMatch(/Proven by 3 hashes: leaf \d of \d.*1 of 1 validators/s);
    await expect(run('proof', accountOf(9))).rejects.toThrow(/owned nothing when epoch 5 closed/);
  });

  it('shows headers, accounts and receipts', async () => {
    expect(await runJson('epochs', '--last', '1')).toMatchObject([
      { epoch: 5, receipts: { sum: '0', hash: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    ]);
    expect(await run('epochs')).toMatch(/epoch 1 {2}.* 4 receipts/);
    expect(await runJson('accounts')).toContainEqual(expect.objectContaining({ account: OWNER }));
    expect(await runJson('receipts', '--last', '2')).toHaveLength(2);
  });
});
