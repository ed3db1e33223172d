import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { accountOf, exportAccount, type Account } from '../../protocol/account.ts';
import { openManifest, subnetIdOf } from '../../protocol/manifest.ts';
import { fail } from '../../protocol/outcome.ts';
import { BASE_MANIFEST } from '../http/fixture-manifest.ts';
import { startFixture, type Fixture } from '../http/fixture.ts';
import { Spending } from '../spending/spending.ts';
import { openTestSpending, partyOf, VALIDATOR, type TestSpending } from '../testing/spending.ts';
import { accountCommand } from './account.ts';

const manifest = openManifest(BASE_MANIFEST, { nowMs: 0, version: 1 });
if (!manifest.ok) throw new Error(manifest.message);
const subnet = subnetIdOf(manifest.value);
const bob = partyOf(2);

let dir: string;
let ledger: TestSpending;
let spending: Spending;
let http: Fixture;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gridtab-account-'));
  ledger = await openTestSpending();
  spending = new Spending({ store: ledger.store, subnet });
  http = await startFixture({}, { spending });
  await writeFile(join(dir, 'rich.json'), exportAccount(VALIDATOR), { mode: 0o600 });
  await writeFile(join(dir, 'bob.json'), exportAccount(bob), { mode: 0o600 });
});
afterAll(async () => {
  await http.dispose();
  await ledger.close();
  await rm(dir, { recursive: true, force: true });
});

/** Runs `gridtab account …` and gives what it prints. Rejects where the command fails. */
async function run(...words: string[]): Promise<string> {
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  const quiet = { writeErr: () => undefined };
  const command = accountCommand();
  for (const each of [command, ...command.commands]) each.exitOverride().configureOutput(quiet);
  try {
    await command.parseAsync(words, { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return printed;
}
const onNode = (): string[] => ['--node', http.url];
const withKey = (name: string): string[] => ['--key', join(dir, name), ...onNode()];
const json = async (...words: string[]): Promise<Record<string, unknown>> =>
  JSON.parse(await run(...words, '--json')) as Record<string, unknown>;
const spendableOf = async ({ id }: Account): Promise<bigint> => (await spending.account(id)).spendable;

describe('gridtab account', () => {
  it('makes an account, once', async () => {
    const file = join(dir, 'new.key');
    const made = await json('new', '--out', file);
    expect(made).toEqual({ account: expect.stringMatching(/^[0-9a-f]{64}$/) as string, file });
    await expect(run('new', '--out', file)).rejects.toThrow(/is there already/);
    expect(await json('show', made['account'] as string, ...onNode())).toMatchObject({
      spendable: '0',
      nextNonce: 1,
    });
  });

  it('transfers credits, exactly as many as it was told', async () => {
    expect(await run('transfer', ...withKey('rich.json'), '--to', bob.id, '--amount', '0.012345678')).toMatch(
      /^Done in epoch 1: operation 1 of [0-9a-f]{64}, [0-9a-f]{64}\n$/,
    );
    expect(await spendableOf(bob)).toBe(12_345_678n);
    expect(await run('show', bob.id.toUpperCase(), ...onNode())).toMatch(/^spendable {2}0\.012345678$/m);
  });

  it('holds, and pays out of a hold', async () => {
    const before = await spendableOf(VALIDATOR);
    const hold = ['hold', ...withKey('rich.json'), '--payee', bob.id, '--amount', '0.1', '--epochs', '3'];
    const { hold: name } = await json(...hold);
    expect(await run('show', VALIDATOR.id, ...onNode())).toMatch(
      new RegExp(`^hold {7}${String(name)} {2}0\\.1 for ${bob.id}, until the close of epoch 4$`, 'm'),
    );
    expect(await run('show', bob.id, ...onNode())).toMatch(new RegExp(`^may pay {4}${String(name)}`, 'm'));
    const worker = accountOf();
    const other = accountOf();
    const pay = ['pay', ...withKey('bob.json'), '--hold', String(name)];
    await run(...pay, '--to', `${worker.id}=0.03`, '--to', `${other.id}=0.02`);
    expect([await spendableOf(worker), await spendableOf(other)]).toEqual([30_000_000n, 20_000_000n]);
    expect(await spendableOf(VALIDATOR)).toBe(before - 50_000_000n);
    await expect(run(...pay)).rejects.toThrow(/There is no open hold of this name\. \(NO_SUCH_HOLD\)/);
  });

  it('gives a whole hold back when nobody is named', async () => {
    const before = await spendableOf(VALIDATOR);
    const { hold: name } = await json('hold', ...withKey('rich.json'), '--payee', bob.id, '--amount', '0.1');
    await run('pay', ...withKey('bob.json'), '--hold', String(name));
    expect(await spendableOf(VALIDATOR)).toBe(before);
  });

  it('fails with the reason of the node', async () => {
    const all = ['transfer', ...withKey('rich.json'), '--to', bob.id, '--amount'];
    await expect(run(...all, '1000000')).rejects.toThrow(/may spend \d+ base units.*\(INSUFFICIENT\)$/);
    await expect(run(...all, '0.000000001')).rejects.toThrow(/\(TOO_SMALL\)$/);
  });

  it('sends an operation again while the node settles, and it is done once', async () => {
    const before = await spendableOf(bob);
    let submits = 0;
    const busy = await startFixture(
      {},
      {
        spending: {
          submit: async (signed) => {
            submits++;
            if (submits === 1) return fail('SETTLING', 'later');
            // Done, and the answer is lost: the client cannot know.
            if (submits === 2) return spending.submit(signed).then(() => fail('SETTLING', 'lost'));
            return spending.submit(signed);
          },
          account: (id) => spending.account(id),
          operations: (...page) => spending.operations(...page),
        },
      },
    );
    const key = ['--key', join(dir, 'rich.json'), '--node', busy.url];
    await run('transfer', ...key, '--to', bob.id, '--amount', '0.001');
    await busy.dispose();
    expect(submits).toBe(3);
    expect(await spendableOf(bob)).toBe(before + 1_000_000n);
  });

  it.each([
    ['an amount with an exponent', ['--amount', '1e3', '--to', bob.id], /at most nine decimals/],
    ['an amount below zero', ['--amount=-1', '--to', bob.id], /at most nine decimals/],
    ['too many decimals', ['--amount', '0.0000000001', '--to', bob.id], /at most nine decimals/],
    ['an account that is none', ['--amount', '1', '--to', 'bob'], /64 hex digits/],
    ['no amount', ['--to', bob.id], /--amount/],
  ])('asks nobody on %s', async (_, words, problem) => {
    const before = await spending.account(VALIDATOR.id);
    await expect(run('transfer', ...withKey('rich.json'), ...words)).rejects.toThrow(problem);
    expect(await spending.account(VALIDATOR.id)).toEqual(before);
  });

  it('pays an account once in a payment', async () => {
    const twice = ['--to', `${bob.id}=0.1`, '--to', `${bob.id}=0.2`];
    const pay = ['pay', ...withKey('bob.json'), '--hold', '00'.repeat(32)];
    await expect(run(...pay, ...twice)).rejects.toThrow(/named once/);
    await expect(run(...pay, '--to', bob.id)).rejects.toThrow(/at most nine decimals/);
  });
});
