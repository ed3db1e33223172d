import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { errorText } from '../../protocol/outcome.ts';
import { findBinaries, runnableBinaries, serverUser } from './postgres-binaries.ts';

const run = promisify(execFile);

/** A server that has not answered by then does not start any more, on a slow machine either. */
const START_TIMEOUT_MS = 60_000;

/**
 * Runs PostgreSQL ($1) on the folder $2 with further options, stops it once standard input ends, which it does with the process that started it,
 * however that ends, and removes the folder. A terminal's Ctrl-C ends that process, and by it this one.
 */
const SUPERVISOR = `
trap '' HUP INT TERM
postgres=$1 folder=$2
shift 2
"$postgres" -D "$folder/data" -k "$folder" -c listen_addresses= "$@" &
server=$!
exec 3<&0
(cat <&3 >/dev/null; kill -INT $server 2>/dev/null) &
wait $server
rm -rf "$folder"
`;

export type PostgresServer = {
  /** Holds everything of it; gone when it has ended. */
  folder: string;
  /** URL of a database of it. Its only user may do everything. */
  urlOf(database: string): string;
  stop(): Promise<void>;
};

/**
 * Starts a PostgreSQL of its own in a temporary folder, reachable by a socket in that folder only. It syncs to disk as in
 * production. Its language orders text otherwise than by bytes, so that a test can tell. Throws with what the server said
 * where it does not start. `settings` are those of postgresql.conf.
 */
export async function startPostgres(settings: Record<string, string> = {}): Promise<PostgresServer> {
  const user = serverUser();
  const folder = mkdtempSync(join(place(), 'gridtab-pg-'));
  const found = findBinaries();
  const binaries = 'uid' in user ? runnableBinaries(found, join(folder, 'postgres')) : found;
  // The copy as well: that user removes it in the end.
  if ('uid' in user) await run('chown', ['-R', `${user.uid}:${user.gid}`, folder]);
  const locale = ['--locale=C', '--locale-provider=icu', '--icu-locale=en-US', '--encoding=UTF8'];
  const made = [
    '--pgdata',
    join(folder, 'data'),
    '--username=gridtab',
    '--auth=trust',
    '--no-sync',
    ...locale,
  ];
  await run(join(binaries, 'initdb'), made, { ...user, cwd: folder });

  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = spawn('sh', ['-c', SUPERVISOR, 'sh', join(binaries, 'postgres'), folder, ...options], {
    ...user,
    cwd: folder,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_000)));
  let ended = false;
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));
  void gone.then(() => (ended = true));
  const urlOf = (database: string): string =>
    `postgres://gridtab@localhost/${database}?host=${encodeURIComponent(folder)}`;
  const stop = async (): Promise<void> => {
    server.stdin.end();
    await gone;
  };
  for (const end = performance.now() + START_TIMEOUT_MS; ; await setTimeout(50)) {
    const problem = await tryToConnect(urlOf('postgres'));
    if (problem === null) return { folder, urlOf, stop };
    if (!ended && performance.now() < end) continue;
    await stop();
    throw new Error(`PostgreSQL in ${binaries} did not start: ${problem}\n${said}`);
  }
}

/** In memory where there is a file system for it with a gigabyte to spare: the tests do not pull the plug. */
function place(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    if (bavail * bsize > 2 ** 30) return '/dev/shm';
  } catch {
    // Not Linux.
  }
  return tmpdir();
}

async function tryToConnect(connectionString: string): Promise<string | null> {
  const client = new pg.Client({ connectionString });
  try {
    await client.connect();
    await client.end();
    return null;
  } catch (error) {
    return errorText(error);
  }
}
