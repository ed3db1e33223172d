import { mkdtemp, readdir, readFile, rm, stat, writeFile, chmod, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyPair, publicKeyOfPeer } from '../../protocol/sign.ts';
import { KEY_FILES, loadOrCreateKeys } from './keys.ts';
import { createSecret, SecretFileError } from './secret-file.ts';

let dir: string;
beforeEach(async () => void (dir = join(await mkdtemp(join(tmpdir(), 'gridtab-keys-')), 'data')));
afterEach(() => rm(join(dir, '..'), { recursive: true, force: true }));

const text = (name: string) => readFile(join(dir, name), 'utf8');
const damage = async (name: string, change: (before: string) => string) => {
  await loadOrCreateKeys(dir);
  const after = change(await text(name));
  await writeFile(join(dir, name), after);
  return after;
};

describe('loadOrCreateKeys', () => {
  it('makes keys that belong together and gives the same ones again', async () => {
    const made = await loadOrCreateKeys(dir);
    expect(publicKeyOfPeer(made.validatorPeer)).toEqual(keyPair(made.validatorSeed).publicKey);
    expect(made.validatorKey.publicKey.raw).toEqual(keyPair(made.validatorSeed).publicKey);
    expect(made.ownerSeed).not.toEqual(made.validatorSeed);

    const again = await loadOrCreateKeys(dir);
    expect(again.ownerSeed).toEqual(made.ownerSeed);
    expect(again.validatorPeer).toBe(made.validatorPeer);
    expect(again.adminToken).toBe(made.adminToken);
  });

  it('keeps files and folder from others, and leaves no temporary file', async () => {
    await loadOrCreateKeys(dir);
    expect((await readdir(dir)).sort()).toEqual(Object.values(KEY_FILES).sort());
    for (const name of Object.values(KEY_FILES))
      expect((await stat(join(dir, name))).mode & 0o777).toBe(0o600);
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
  });

  it('warns of a file that others may read, and uses it', async () => {
    const made = await loadOrCreateKeys(dir);
    await chmod(join(dir, KEY_FILES.owner), 0o640);
    const warnings: string[] = [];
    const again = await loadOrCreateKeys(dir, { warn: (m) => warnings.push(m), info: () => undefined });
    expect(again.ownerSeed).toEqual(made.ownerSeed);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/owner\.key has mode 0640.*chmod 600/);
  });

  it('gives one key to two processes that start at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateKeys(dir)));
    expect(new Set(all.map((keys) => keys.validatorPeer)).size).toBe(1);
    expect(new Set(all.map((keys) => keys.adminToken)).size).toBe(1);
  });

  it.each([
    ['empty', () => '', /is empty/],
    ['truncated', (t: string) => t.slice(0, 60), /is damaged or is no Gridtab key/],
    ['with one digit of the seed changed', flipSeedDigit, /do not belong together/],
    ['with an unknown field', (t: string) => t.replace('{', '{"more":1,'), /is damaged/],
    ['something else', () => '-----BEGIN PRIVATE KEY-----', /is damaged/],
  ])('refuses a key file that is %s, and leaves it as it is', async (_, change, problem) => {
    const after = await damage(KEY_FILES.owner, change);
    await expect(loadOrCreateKeys(dir)).rejects.toThrow(SecretFileError);
    await expect(loadOrCreateKeys(dir)).rejects.toThrow(problem);
    expect(await text(KEY_FILES.owner)).toBe(after);
  });

  it('refuses a truncated token, and leaves it as it is', async () => {
    const after = await damage(KEY_FILES.adminToken, (t) => t.slice(0, 20));
    await expect(loadOrCreateKeys(dir)).rejects.toThrow(/admin\.token: is damaged/);
    expect(await text(KEY_FILES.adminToken)).toBe(after);
  });

  it('names a file that cannot be one', async () => {
    await mkdir(join(dir, KEY_FILES.owner), { recursive: true });
    await expect(loadOrCreateKeys(dir)).rejects.toThrow(/owner\.key: is not a regular file/);
    await rm(dir, { recursive: true });
    await mkdir(dir);
    await writeFile(join(dir, KEY_FILES.owner), 'x'.repeat(100_000), { mode: 0o600 });
    await expect(loadOrCreateKeys(dir)).rejects.toThrow(/far too large/);
  });

  it('says so when the folder cannot be written', async () => {
    await writeFile(join(dir, '..', 'file'), '');
    await expect(loadOrCreateKeys(join(dir, '..', 'file', 'data'))).rejects.toThrow(
      /cannot be (read|written) \(ENOTDIR\)/,
    );
  });
});

describe('createSecret', () => {
  it('never overwrites', async () => {
    const path = join(dir, 'secret');
    expect(await createSecret(path, 'first')).toBe(true);
    expect(await createSecret(path, 'second')).toBe(false);
    expect(await text('secret')).toBe('first');
    expect(await readdir(dir)).toEqual(['secret']);
  });
});

function flipSeedDigit(file: string): string {
  return file.replace(
    /("seed": ")(.)/,
    (_, head: string, digit: string) => `${head}${digit === '0' ? '1' : '0'}`,
  );
}
