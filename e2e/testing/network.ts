import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { startNodeProcess, type NodeProcess } from '../../farm/node-process.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { openManifest, type Manifest } from '../../protocol/manifest.ts';
import { Store } from '../../subnet/store/store.ts';
import { startPostgres, type PostgresServer } from '../../subnet/testing/postgres-server.ts';
import { freePorts, type Ports } from './validator.ts';

const CLI = new URL('../../subnet/cli.ts', import.meta.url).pathname;
const DISHONEST = new URL('dishonest-node.ts', import.meta.url).pathname;
const NAME = 'several';

type Keys = { owner: string; validatorPeer: string; validatorAccount: string };
export type LogLine = { msg: string; [key: string]: unknown };
export type Member = {
  dataDir: string;
  keys: Keys;
  stake: number;
  ports: Ports;
  process: NodeProcess | null;
  log: LogLine[];
};

/** Several validators, each a process with a folder of its own, on one real PostgreSQL. The first one has the owner's key. */
export class Network {
  readonly members: Member[] = [];
  readonly #server: PostgresServer;
  readonly #flags: readonly string[];
  /** Index of the one that is not honest, and the account that it votes for. */
  readonly #dishonest: { index: number; favoured: string } | null;

  private constructor(
    server: PostgresServer,
    flags: readonly string[],
    dishonest: { index: number; favoured: string } | null,
  ) {
    this.#server = server;
    this.#flags = flags;
    this.#dishonest = dishonest;
  }

  static async create(
    stakes: readonly number[],
    flags: readonly string[],
    dishonest: { index: number; favoured: string } | null = null,
  ): Promise<Network> {
    const network = new Network(await startPostgres(), flags, dishonest);
    const client = new pg.Client({ connectionString: network.#server.urlOf('postgres') });
    await client.connect();
    await client.query('create database ledger');
    await client.end();
    for (const stake of stakes) {
      const dataDir = await mkdtemp(join(tmpdir(), 'gridtab-e2e-'));
      const keys = await network.cli<Keys>(['keys', '--data', dataDir, '--json']);
      network.members.push({ dataDir, keys, stake, ports: await freePorts(), process: null, log: [] });
    }
    const seats = network.members.flatMap(({ keys, stake }) => [
      '--seat',
      `${keys.validatorPeer}:${keys.validatorAccount}:${stake}`,
    ]);
    const [first] = network.members;
    await network.cli([
      'validators',
      'set',
      '--data',
      first?.dataDir ?? '',
      ...network.#names(),
      ...seats,
      '--json',
    ]);
    return network;
  }

  get databaseUrl(): string {
    return this.#server.urlOf('ledger');
  }

  get owner(): string {
    return this.members[0]?.keys.owner ?? '';
  }

  #names(): string[] {
    return ['--name', NAME, '--database', this.databaseUrl];
  }

  /** Runs `gridtab`, and reads the JSON that it prints. */
  async cli<T>(args: readonly string[]): Promise<T> {
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args], { maxBuffer: 2 ** 26 });
    return JSON.parse(stdout) as T;
  }

  async start(index: number, env: Record<string, string> = {}): Promise<void> {
    const member = this.member(index);
    const { http, webrtc, ws } = member.ports;
    const isLiar = this.#dishonest?.index === index;
    member.process = await startNodeProcess({
      ...(isLiar ? { script: DISHONEST } : {}),
      flags: [
        `--data=${member.dataDir}`,
        `--owner=${this.owner}`,
        `--http-port=${http}`,
        `--webrtc-port=${webrtc}`,
        `--ws-port=${ws}`,
        ...this.#names(),
        ...this.#flags,
      ],
      env: { ...env, ...(isLiar ? { FAVOURED: this.#dishonest?.favoured ?? '' } : {}) },
      onLog: (line) => member.log.push(parsed(line)),
    });
  }

  /** All of them, until each serves a manifest that says where all are. The owner's first, since the others need its manifest. */
  async startAll(): Promise<void> {
    await this.start(0);
    await Promise.all(this.members.slice(1).map((_, i) => this.start(i + 1)));
    const reachable = async (index: number): Promise<number> =>
      (await this.manifest(index)).validators.filter(({ addresses }) => addresses.length > 0).length;
    for (const index of this.members.keys())
      while ((await reachable(index)) < this.members.length) await sleep(250);
  }

  member(index: number): Member {
    const member = this.members[index];
    if (member === undefined) throw new RangeError(`no validator ${index}`);
    return member;
  }

  async kill(index: number): Promise<void> {
    const { process: running } = this.member(index);
    running?.child.kill('SIGKILL');
    await running?.exited;
  }

  /** What a validator serves, checked as a tab checks it, with that validator first. */
  async manifest(index: number): Promise<Manifest> {
    const member = this.member(index);
    const response = await fetch(new URL('subnet.json', member.process?.url));
    const opened = openManifest(await response.json(), { nowMs: Date.now(), version: PROTOCOL_VERSION });
    if (!opened.ok) throw new Error(opened.message);
    const { validators, ...rest } = opened.value;
    const own = member.keys.validatorPeer;
    return {
      ...rest,
      validators: validators.toSorted((a, b) => Number(b.peer === own) - Number(a.peer === own)),
    };
  }

  async withStore<T>(use: (store: Store) => Promise<T>): Promise<T> {
    const store = await Store.open(this.databaseUrl);
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  }

  /** Throws with its words when the ledger does not replay. */
  audit(): Promise<Record<string, unknown>> {
    return this.cli(['ledger', 'audit', '--owner', this.owner, '--database', this.databaseUrl, '--json']);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.members.map((_, i) => this.kill(i)));
    await this.#server.stop();
    for (const { dataDir } of this.members) await rm(dataDir, { recursive: true, force: true });
  }
}

function parsed(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { msg: line };
  }
}
