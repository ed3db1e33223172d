import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { startPostgres } from '../testing/postgres-server.ts';
import { Store } from './store.ts';

describe('a server that does not sync to disk', () => {
  it('is refused, and a test’s server leaves nothing behind', async () => {
    const server = await startPostgres({ fsync: 'off', full_page_writes: 'off' });
    await expect(Store.open(server.urlOf('postgres'))).rejects.toThrow(
      /may lose what it has committed: fsync and full_page_writes must be on/,
    );
    await server.stop();
    await expect(Store.open(server.urlOf('postgres'))).rejects.toThrow(/cannot be reached/);
    expect(existsSync(server.folder)).toBe(false);
  });
});

describe('a server whose test was killed', () => {
  it('ends as well', async () => {
    const module = new URL('../testing/postgres-server.ts', import.meta.url).href;
    const program = `const { startPostgres } = await import(${JSON.stringify(module)}); console.log((await startPostgres()).folder)`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    const [folder] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    expect(existsSync(folder)).toBe(true);
    child.kill('SIGKILL');
    await expect.poll(() => existsSync(folder), { timeout: 20_000 }).toBe(false);
  });
});
