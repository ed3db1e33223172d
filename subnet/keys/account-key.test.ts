import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { accountOf, exportAccount } from '../../protocol/account.ts';
import { readAccountKey } from './account-key.ts';
import { createSeed } from './key-file.ts';

let dir: string;
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'gridtab-account-'))));
afterEach(() => rm(dir, { recursive: true, force: true }));

const warnings: string[] = [];
const read = (name: string) => readAccountKey(join(dir, name), (message) => warnings.push(message));
const write = (name: string, text: string) => writeFile(join(dir, name), text, { mode: 0o600 });

it('reads a key file, which nobody else can read and nothing overwrites', async () => {
  const seed = await createSeed(join(dir, 'a.key'));
  expect((await stat(join(dir, 'a.key'))).mode & 0o777).toBe(0o600);
  expect((await read('a.key')).seed).toEqual(seed);
  expect(await createSeed(join(dir, 'a.key'))).toBeNull();
  expect((await read('a.key')).seed).toEqual(seed);
});

it('reads an account that the page exported', async () => {
  const account = accountOf();
  await write('account.json', exportAccount(account));
  expect(await read('account.json')).toEqual(account);
});

it('says what is wrong with a file that is neither', async () => {
  await expect(read('none.key')).rejects.toThrow(/none\.key: there is no such file/);
  await write('other.json', '{"name":"x"}');
  await expect(read('other.json')).rejects.toThrow(/is damaged or is no Gridtab key/);
  await write('swapped.json', exportAccount({ ...accountOf(), id: accountOf().id }));
  await expect(read('swapped.json')).rejects.toThrow(/does not belong to the account it names/);
  expect(warnings).toEqual([]);
  await writeFile(join(dir, 'open.json'), exportAccount(accountOf()), { mode: 0o644 });
  await read('open.json');
  expect(warnings.join()).toMatch(/open\.json has mode 0644/);
});
