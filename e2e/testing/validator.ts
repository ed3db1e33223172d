import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startNodeProcess, type NodeProcess } from '../../farm/node-process.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { openManifest, type Manifest } from '../../protocol/manifest.ts';
import { Store } from '../../subnet/store/store.ts';
import { ledgerFile } from '../../subnet/store/target.ts';

export type LogLine = { level: number; msg: string; [key: string]: unknown };

export type Ports = { http: number; webrtc: number; ws: number };
const ANY: Ports = { http: 0, webrtc: 0, ws: 0 };

/** `gridtab node` in a process of its own, on a folder of its own, with its log at hand. Can be killed and started again. */
export class TestValidator {
  readonly dataDir: string;
  readonly log: LogLine[] = [];
  readonly #flags: readonly string[];
  readonly #ports: Ports;
  #process: NodeProcess | null = null;

  private constructor(dataDir: string, flags: readonly string[], ports: Ports) {
    this.dataDir = dataDir;
    this.#flags = flags;
    this.#ports = ports;
  }

  static async create(flags: readonly string[] = [], ports: Ports = ANY): Promise<TestValidator> {
    return new TestValidator(await mkdtemp(join(tmpdir(), 'gridtab-e2e-')), flags, ports);
  }

  get process(): NodeProcess {
    if (this.#process === null) throw new Error('the node is not running');
    return this.#process;
  }

  get url(): string {
    return this.process.url;
  }

  async start(env: Record<string, string> = {}): Promise<void> {
    const { http, webrtc, ws } = this.#ports;
    const ports = ['--http-port', `${http}`, '--webrtc-port', `${webrtc}`, '--ws-port', `${ws}`];
    this.#process = await startNodeProcess({
      flags: ['--data', this.dataDir, ...ports, ...this.#flags],
      env,
      onLog: (line) => this.log.push(parseLog(line)),
    });
  }

  /** Asks it to end; resolves with how it ended. */
  async stop(): Promise<number | string> {
    this.process.child.kill('SIGTERM');
    return await this.process.exited;
  }

  async kill(): Promise<void> {
    this.process.child.kill('SIGKILL');
    await this.process.exited;
  }

  get running(): boolean {
    const child = this.#process?.child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** What it serves, checked as a tab checks it. */
  async manifest(): Promise<Manifest> {
    const response = await fetch(new URL('subnet.json', this.url));
    const opened = openManifest(await response.json(), { nowMs: Date.now(), version: PROTOCOL_VERSION });
    if (!opened.ok) throw new Error(opened.message);
    return opened.value;
  }

  /** Resident memory in MiB, by /proc. */
  rssMiB(): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024;
  }

  logged(msg: string): LogLine[] {
    return this.log.filter((line) => line.msg === msg);
  }

  /** `gridtab ledger audit`: throws with its words when the ledger does not replay. */
  async audit(): Promise<{ epochs: number; receipts: number; issued: string; accounts: number }> {
    const cli = new URL('../../subnet/cli.ts', import.meta.url).pathname;
    const args = [cli, 'ledger', 'audit', '--data', this.dataDir, '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return JSON.parse(stdout) as { epochs: number; receipts: number; issued: string; accounts: number };
  }

  /** Reads the ledger's file, beside the node or after it. */
  async withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
    const store = await Store.open(ledgerFile(this.dataDir));
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  }

  async dispose(): Promise<void> {
    if (this.running) await this.kill();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

function parseLog(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: 0, msg: line };
  }
}

/** Ports that are free now, for a node whose addresses must survive its restarts. */
export async function freePorts(): Promise<Ports> {
  return { http: await freeTcp(), webrtc: await freeUdp(), ws: await freeTcp() };
}

async function freeTcp(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no TCP port');
  return address.port;
}

async function freeUdp(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}
