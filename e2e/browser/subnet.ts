import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startNodeProcess, type NodeProcess } from '../../farm/node-process.ts';
import { ledgerFile } from '../../subnet/store/target.ts';

/**
 * Epochs of a few seconds, so that credits settle while a test looks; longer than a unit takes on a busy machine, so
 * that honest work is not too late for its epoch.
 */
const FAST_EPOCHS = ['--epoch-slots', '1', '--slot-ms', '8000'];

async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  return address.port;
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** A node in a process of its own, with a data folder and ports that outlive its restarts. */
export type Subnet = {
  /** With `localhost`, which browsers take for secure. */
  url: string;
  /** Its data folder, with the admin token. */
  dataDir: string;
  /** `flags` come last, for this run of it. */
  start(flags?: readonly string[]): Promise<void>;
  /** SIGTERM, then waits. */
  stop(): Promise<void>;
  /** Rows of its database, as they are on disk now. `sql` takes `values` by place. */
  query(sql: string, ...values: (string | number)[]): Record<string, unknown>[];
  /** Settled base units of an account (hex) on disk; zero for one that was never paid. */
  balanceOf(account: string | undefined): bigint;
  /** Stops the node and deletes its folder. */
  remove(): Promise<void>;
};

/** A subnet of one node. `flags` come after those the tests share; with `start: false` nobody answers yet. */
export async function createSubnet(
  options: { flags?: readonly string[]; start?: boolean } = {},
): Promise<Subnet> {
  const dataDir = await mkdtemp(join(tmpdir(), 'gridtab-e2e-'));
  const [http, ws, webrtc] = await Promise.all([freeTcpPort(), freeTcpPort(), freeUdpPort()]);
  const ports = ['--http-port', `${http}`, '--ws-port', `${ws}`, '--webrtc-port', `${webrtc}`];
  const flags = [
    '--data',
    dataDir,
    ...ports,
    ...FAST_EPOCHS,
    '--log-level',
    'warn',
    ...(options.flags ?? []),
  ];
  let node: NodeProcess | null = null;
  const subnet: Subnet = {
    url: `http://localhost:${http}`,
    dataDir,
    async start(more = []) {
      node = await startNodeProcess({ flags: [...flags, ...more] });
    },
    async stop() {
      await node?.stop();
      node = null;
    },
    query(sql, ...values) {
      const database = new DatabaseSync(ledgerFile(dataDir), { readOnly: true });
      try {
        return database.prepare(sql).all(...values);
      } finally {
        database.close();
      }
    },
    balanceOf(account) {
      const name = account ?? '';
      return [
        ...subnet.query('select amount from balances where account = ?', name),
        // What has not vested yet is the account's all the same.
        ...subnet.query('select amount from lots where ended_epoch is null and account = ?', name),
      ].reduce((sum, { amount }) => sum + BigInt(String(amount)), 0n);
    },
    async remove() {
      await subnet.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  if (options.start !== false) await subnet.start();
  return subnet;
}
