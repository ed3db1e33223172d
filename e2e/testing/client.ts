import type { Connection, Stream } from '@libp2p/interface';
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { webRTCDirect } from '@libp2p/webrtc';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { hexToBytes } from '../../protocol/bytes.ts';
import {
  JOIN_PROTOCOL,
  LEDGER_PROTOCOL,
  MAX_JOIN_MESSAGE_BYTES,
  MAX_LEDGER_MESSAGE_BYTES,
  MAX_WORK_MESSAGE_BYTES,
  PROTOCOL_VERSION,
  WORK_PROTOCOL,
} from '../../protocol/limits.ts';
import { subnetIdOf, type Manifest } from '../../protocol/manifest.ts';
import {
  joinFromNode,
  ledgerFromNode,
  workFromNode,
  type JoinFromNode,
  type JoinFromTab,
  type LedgerFromNode,
  type LedgerFromTab,
  type Lease,
  type TaskResult,
  type WorkFromNode,
  type WorkFromTab,
} from '../../protocol/messages.ts';
import { openReceipt, type Receipt } from '../../protocol/receipt.ts';
import { Wire } from '../../protocol/wire.ts';
import { mine, resultOf } from './compute.ts';
import type { Identity } from './identity.ts';

export type TransportName = 'webrtc-direct' | 'websocket';
export type Hello = Extract<JoinFromTab, { type: 'hello' }>;
export type WorkWire = Wire<WorkFromNode, WorkFromTab>;

/** A claim that makes hash units as small as they get: 2^14 nonces. */
const SMALL_HASH_RATE = 1000;

/** A busy machine alone must not look like a dead validator. */
const PING_TIMEOUT_MS = 20_000;

export type NodeOptions = {
  /** How long a validator may be silent before it is taken for dead. */
  pingTimeoutMs?: number | undefined;
  /** Addresses to listen on: none, as browsers do, or one behind a relay. */
  listen?: string[];
};

export type JoinOptions = {
  /** What to say instead of the truth. */
  hello?: Partial<Hello>;
  /** The proof to return to a challenge; an honest one unless told otherwise. */
  prove?: (lease: Lease, minShares: number) => Promise<TaskResult>;
};

/**
 * A real libp2p peer that speaks Gridtab's protocol to a validator: with `join` and `openWork` as a tab does, with
 * `rawStream` as an attacker may.
 */
export class Client {
  readonly identity: Identity;
  readonly node: Awaited<ReturnType<typeof createNode>>;
  readonly #manifest: Manifest;
  #connection: Connection | null = null;

  private constructor(identity: Identity, node: Client['node'], manifest: Manifest) {
    this.identity = identity;
    this.node = node;
    this.#manifest = manifest;
  }

  static async create(identity: Identity, manifest: Manifest, options: NodeOptions = {}): Promise<Client> {
    return new Client(identity, await createNode(identity, options), manifest);
  }

  /** A client that is connected already. */
  static async connect(
    identity: Identity,
    manifest: Manifest,
    transport: TransportName = 'websocket',
  ): Promise<Client> {
    const client = await Client.create(identity, manifest);
    await client.dial(transport);
    return client;
  }

  get connection(): Connection {
    if (this.#connection === null) throw new Error('not connected');
    return this.#connection;
  }

  async dial(transport: TransportName, signal = AbortSignal.timeout(10_000)): Promise<Connection> {
    this.#connection = await this.node.dial(multiaddr(addressOf(this.#manifest, transport)), { signal });
    return this.#connection;
  }

  /** A stream with nothing of Gridtab on it yet. */
  rawStream(protocol: string, signal = AbortSignal.timeout(10_000)): Promise<Stream> {
    return this.connection.newStream(protocol, { signal, maxOutboundStreams: 1000 });
  }

  hello(change: Partial<Hello> = {}): Hello {
    return {
      type: 'hello',
      version: PROTOCOL_VERSION,
      build: 'gridtab test client',
      subnet: subnetIdOf(this.#manifest),
      account: this.identity.accountKeys.publicKey,
      delegation: this.identity.delegation,
      kinds: [{ kind: 'hash', providers: ['cpu'] }],
      models: this.#manifest.models.map(({ sha256 }) => hexToBytes(sha256)),
      adapter: { class: 'none', vendor: '', architecture: '', description: 'test client' },
      hashRate: SMALL_HASH_RATE,
      ...change,
    };
  }

  /** Says hello and proves what is asked; the last message: terms, refused, or null when the stream ended. */
  async join(options: JoinOptions = {}): Promise<JoinFromNode | null> {
    const wire = new Wire<JoinFromNode, JoinFromTab>(await this.rawStream(JOIN_PROTOCOL), {
      schema: joinFromNode,
      maxBytes: MAX_JOIN_MESSAGE_BYTES,
    });
    await wire.send(this.hello(options.hello));
    let reply = await wire.next();
    if (reply?.ok === true && reply.value.type === 'challenge') {
      const { lease, minShares } = reply.value;
      await wire.send({ type: 'proof', ...(await (options.prove ?? proveHonestly)(lease, minShares)) });
      reply = await wire.next();
    }
    await wire.close();
    if (reply === null) return null;
    if (!reply.ok) throw new Error(reply.message);
    return reply.value;
  }

  /** Joins; throws when refused. */
  async joined(options: JoinOptions = {}): Promise<Extract<JoinFromNode, { type: 'terms' }>> {
    const reply = await this.join(options);
    if (reply?.type !== 'terms') throw new Error(`not admitted: ${JSON.stringify(reply)}`);
    return reply;
  }

  async openWork(): Promise<WorkWire> {
    return new Wire(await this.rawStream(WORK_PROTOCOL), {
      schema: workFromNode,
      maxBytes: MAX_WORK_MESSAGE_BYTES,
    });
  }

  async openLedger(): Promise<Wire<LedgerFromNode, LedgerFromTab>> {
    return new Wire(await this.rawStream(LEDGER_PROTOCOL), {
      schema: ledgerFromNode,
      maxBytes: MAX_LEDGER_MESSAGE_BYTES,
    });
  }

  /** Every receipt of the account, page by page, each with its signature checked. */
  async receipts(pageSize = 128): Promise<Receipt[]> {
    const wire = await this.openLedger();
    const all: Receipt[] = [];
    for (let after = 0, more = true; more;) {
      await wire.send({ type: 'receipts', after, limit: pageSize });
      const reply = await wire.next();
      if (reply?.ok !== true || reply.value.type !== 'receipts')
        throw new Error(`no receipts: ${JSON.stringify(reply)}`);
      for (const signed of reply.value.receipts) {
        const opened = openReceipt(signed);
        if (!opened.ok) throw new Error(opened.message);
        all.push(opened.value);
      }
      ({ next: after, more } = reply.value);
    }
    await wire.close();
    return all;
  }

  /** Settled base units of the account, and units pending. */
  async balance(): Promise<{ settled: bigint; pendingUnits: number }> {
    const wire = await this.openLedger();
    await wire.send({ type: 'balance' });
    const reply = await wire.next();
    await wire.close();
    if (reply?.ok !== true || reply.value.type !== 'balance')
      throw new Error(`no balance: ${JSON.stringify(reply)}`);
    const { settled, pending } = reply.value;
    return { settled, pendingUnits: pending.reduce((sum, { units }) => sum + units, 0) };
  }

  /** How the validator sees this peer. */
  async standing(): Promise<Extract<LedgerFromNode, { type: 'standing' }>> {
    const reply = await this.ask({ type: 'standing' });
    if (reply.type !== 'standing') throw new Error(`no standing: ${JSON.stringify(reply)}`);
    return reply;
  }

  /** One question on a ledger stream of its own, with whatever is answered. */
  async ask(question: LedgerFromTab): Promise<LedgerFromNode> {
    const wire = await this.openLedger();
    await wire.send(question);
    const reply = await wire.next();
    await wire.close();
    if (reply?.ok !== true) throw new Error(`no answer: ${JSON.stringify(reply)}`);
    return reply.value;
  }

  async close(): Promise<void> {
    await this.node.stop();
  }
}

/** The validator's address of a transport, as its manifest says, ending in its peer id. */
export function addressOf(manifest: Manifest, transport: TransportName): string {
  const [validator] = manifest.validators;
  const pattern = transport === 'webrtc-direct' ? /\/webrtc-direct\// : /\/ws(\/|$)/;
  const found = validator?.addresses.find(({ address }) => pattern.test(address))?.address;
  if (found === undefined) throw new Error(`the manifest has no ${transport} address`);
  return found;
}

/** Half the burst on average: as many shares as are asked for. */
async function proveHonestly({ taskId, beacon, unit }: Lease, minShares: number): Promise<TaskResult> {
  if (unit.kind !== 'hash') throw new Error(`a burst of ${unit.kind}`);
  const nonces = await mine({ taskId, beacon, unit }, minShares);
  return resultOf(taskId, { kind: 'hash', body: { nonces } });
}

const createNode = (
  { privateKey }: Identity,
  { pingTimeoutMs = PING_TIMEOUT_MS, listen = [] }: NodeOptions,
) =>
  createLibp2p({
    privateKey,
    addresses: { listen },
    transports: [webRTCDirect(), webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // A killed validator sends no farewell; the page watches its connection in the same way.
    connectionMonitor: { pingInterval: 1000, pingTimeout: { minTimeout: pingTimeoutMs } },
    services: { identify: identify() },
  });
