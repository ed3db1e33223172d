import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Connection, Stream } from '@libp2p/interface';
import { pino } from 'pino';
import type { GenericSchema } from 'valibot';
import {
  JOIN_PROTOCOL,
  LEDGER_PROTOCOL,
  MAX_JOIN_MESSAGE_BYTES,
  MAX_LEDGER_MESSAGE_BYTES,
  MAX_WORK_MESSAGE_BYTES,
  WORK_PROTOCOL,
} from '../../../protocol/limits.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import type { Manifest } from '../../../protocol/manifest.ts';
import { joinFromTab, ledgerFromTab, workFromTab } from '../../../protocol/messages.ts';
import { accountIdOf, keyPair } from '../../../protocol/sign.ts';
import { Wire } from '../../../protocol/wire.ts';
import { DEFAULTS, MECHANISMS, policyOf } from '../../../subnet/config.ts';
import { openCore, type Core } from '../../../subnet/core.ts';
import type { HeldLease, NodeKinds } from '../../../subnet/dispatch/lease.ts';
import { createFaults } from '../../../subnet/faults.ts';
import { hashKindNode, type HashKindOptions } from '../../../subnet/kinds/hash/kind.ts';
import { inferKindNode } from '../../../subnet/kinds/infer/kind.ts';
import { Random } from '../../../subnet/models/random.ts';
import { serveJoin } from '../../../subnet/net/join.ts';
import { serveLedger } from '../../../subnet/net/ledger-stream.ts';
import { serveWork } from '../../../subnet/net/work.ts';
import { Store } from '../../../subnet/store/store.ts';
import type { Identity } from '../../../e2e/testing/identity.ts';
import { CostMeter } from './cost-meter.ts';
import type { Ground, Line, Lot } from './ground.ts';
import { identityOf, seedOf } from './identities.ts';
import { memoryStreams } from './memory-stream.ts';
import { RedTab, type Hello } from './tab.ts';
import type { Workbench } from './workbench.ts';

/**
 * The burst of registration, a 250th of the real one: its shares are checked in the same way, and nobody waits a second for each
 * of some hundred identities. Of so many shares that none falls short by chance.
 */
const REGISTRATION = { bits: 0x200f_ffff, shares: 64 };
/** A unit's time on a tab in virtual milliseconds: what moves the clock that rate limits and receipts go by. */
const UNIT_MS = 2_000;
/** When the run's clock begins; any time will do. */
const EPOCH_ZERO_MS = 1_700_000_000_000;
/** Threads that audit; the machine's other core runs everything else. */
const AUDIT_THREADS = 1;

export type WorldOptions = {
  bench: Workbench;
  seed: string;
  /** Models of which there is standing work. */
  models: readonly string[];
  policy?: Partial<Manifest['policy']>;
  hash?: HashKindOptions;
  /** A message that has begun must be complete within this time. */
  messageTimeoutMs?: number;
  costs?: CostMeter;
};

/**
 * A real validator (codec, limits, dispatcher, judge, trust, ledger, SQLite) whose streams stay in this process and whose clock is
 * turned by hand, so that a run is a function of its seed.
 */
export class World implements Ground {
  readonly core: Core;
  readonly store: Store;
  readonly costs: CostMeter;
  readonly policy: Manifest['policy'];
  readonly #options: WorldOptions;
  readonly #folder: string;
  readonly #subnet: Uint8Array;
  readonly #clock: { nowMs: number };

  private constructor(
    options: WorldOptions,
    parts: {
      core: Core;
      store: Store;
      folder: string;
      subnet: Uint8Array;
      clock: { nowMs: number };
      policy: Manifest['policy'];
      costs: CostMeter;
    },
  ) {
    this.#options = options;
    this.core = parts.core;
    this.store = parts.store;
    this.policy = parts.policy;
    this.costs = parts.costs;
    this.#folder = parts.folder;
    this.#subnet = parts.subnet;
    this.#clock = parts.clock;
  }

  static async open(options: WorldOptions): Promise<World> {
    const { bench, seed } = options;
    // In memory where the machine has it: the arithmetic of the store is what is wanted, not the disk.
    const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'gridtab-redteam-'));
    const store = await Store.open(join(folder, 'ledger.sqlite'));
    const validator = await identityOf(seed, 'validator');
    const validatorSeed = seedOf(seed, 'peer/validator');
    const logger = pino({ level: 'silent' });
    const clock = { nowMs: EPOCH_ZERO_MS };
    const random = Random.from({ domain: 'gridtab/redteam/beacons/1', seed });
    const policy = { ...policyOf(DEFAULTS), registration: REGISTRATION, ...options.policy };
    const subnet = seedOf(seed, 'subnet');
    const costs = options.costs ?? new CostMeter();
    const names = new Set(options.models);
    const kinds: NodeKinds = {
      hash: hashKindNode(options.hash),
      infer: inferKindNode({
        catalogue: bench.catalogue,
        recompute: { threads: AUDIT_THREADS },
        sourceOf: (name) => (names.has(name) ? bench.source(name) : null),
      }),
    };
    const core = await openCore({
      store,
      subnet,
      owner: accountIdOf(keyPair(seedOf(seed, 'owner')).publicKey),
      ownerSeed: seedOf(seed, 'owner'),
      validatorSeed,
      validatorPeer: validator.peer,
      validatorAccount: validator.account,
      auditSecret: seedOf(seed, 'audit'),
      kinds,
      models: bench.catalogue.models,
      mechanisms: MECHANISMS.map(({ kind, emissionPpm }) => ({ name: kind, emissionPpm })),
      policy,
      audits: AUDIT_THREADS + 1,
      endsInMs: () => UNIT_MS,
      observer: costs,
      faults: createFaults(logger, undefined),
      logger,
      now: () => clock.nowMs,
      randomBytes: (length) => Uint8Array.from({ length }, () => random.below(256)),
    });
    return new World(options, { core, store, folder, subnet, clock, policy, costs });
  }

  /** A tab on a connection of its own. */
  connect(identity: Identity, hello: Partial<Hello> = {}): Line {
    const connection = connectionOf(identity);
    const dial = (protocol: string): Promise<Stream> => {
      const [near, far] = memoryStreams();
      this.#serve(protocol, far, connection);
      return Promise.resolve(near);
    };
    const { bench, models } = this.#options;
    const ready = models.map((name) => bench.model(name));
    const tab = new RedTab({ identity, subnet: this.#subnet, models: ready, dial, hello });
    const hangUp = (): void => {
      connection.status = 'closed';
      this.core.tabs.leave(identity.peer);
    };
    return { tab, hangUp };
  }

  pass(units: number): void {
    this.#clock.nowMs += units * UNIT_MS;
  }

  async closeEpoch(): Promise<void> {
    const { ledger, rechecks } = this.core;
    await rechecks.drain();
    await ledger.recordSlot();
    await ledger.closeEpoch();
    await rechecks.drain();
  }

  async settle(): Promise<void> {
    for (let i = 0; i < this.policy.vestingEpochs + 2; i++) {
      this.pass(1);
      await this.closeEpoch();
    }
  }

  async expire(taskId: Uint8Array): Promise<void> {
    const lease: HeldLease | undefined = this.core.leases.held(taskId);
    if (lease === undefined) return;
    await this.core.leases.end(lease, 'expired');
    this.core.tabs.expired(lease);
  }

  get epoch(): number {
    return this.core.ledger.current.epoch;
  }

  async provenIn(peer: PeerId): Promise<number | null> {
    const row = await this.store.db
      .selectFrom('penalties')
      .select((eb) => eb.fn.min('epoch').as('epoch'))
      .where('peer', '=', peer)
      .executeTakeFirst();
    return row?.epoch ?? null;
  }

  async revokedOf(peer: PeerId): Promise<number> {
    const row = await this.store.db
      .selectFrom('tasks')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('peer', '=', peer)
      .where('revoked', 'is not', null)
      .executeTakeFirstOrThrow();
    return row.count;
  }

  async lotsOf(peer: PeerId, mechanism?: string): Promise<Map<number, Lot>> {
    const rows = await this.store.db
      .selectFrom('lots')
      .select(['epoch', 'amount', 'ended_as'])
      .where('peer', '=', peer)
      .$if(mechanism !== undefined, (query) => query.where('mechanism', '=', mechanism ?? ''))
      .execute();
    const lots = new Map<number, Lot>();
    for (const { epoch, amount, ended_as } of rows) {
      const before = lots.get(epoch);
      const lost = ended_as === 'forfeit';
      // A tab of both kinds of work has a lot of each; only kept ones count.
      lots.set(epoch, {
        amount: (before?.lost === true ? 0 : (before?.amount ?? 0)) + (lost ? 0 : Number(amount)),
        lost: lost || before?.lost === true,
      });
    }
    return lots;
  }

  async close(): Promise<void> {
    await this.core.close();
    await this.store.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #serve(protocol: string, stream: Stream, connection: Connection): void {
    const { messageTimeoutMs } = this.#options;
    const over = <In, Out extends { type: string }>(
      schema: GenericSchema<unknown, In>,
      maxBytes: number,
    ): Wire<In, Out> =>
      new Wire<In, Out>(stream, {
        schema,
        maxBytes,
        ...(messageTimeoutMs === undefined ? {} : { messageTimeoutMs }),
      });
    const { context } = this.core;
    const run = (wire: { close(): Promise<void>; abort(reason: string): void }, done: Promise<void>): void =>
      void done.then(() => wire.close()).catch(() => wire.abort('internal error'));
    if (protocol === JOIN_PROTOCOL) {
      const wire: Parameters<typeof serveJoin>[0] = over(joinFromTab, MAX_JOIN_MESSAGE_BYTES);
      run(wire, serveJoin(wire, connection, context));
    } else if (protocol === WORK_PROTOCOL) {
      const wire: Parameters<typeof serveWork>[0] = over(workFromTab, MAX_WORK_MESSAGE_BYTES);
      run(wire, serveWork(wire, connection, context));
    } else if (protocol === LEDGER_PROTOCOL) {
      const wire: Parameters<typeof serveLedger>[0] = over(ledgerFromTab, MAX_LEDGER_MESSAGE_BYTES);
      run(wire, serveLedger(wire, connection, context));
    } else {
      throw new Error(`no protocol ${protocol}`);
    }
  }
}

/** What the handlers look at in a connection: whose it is, and whether it is open. Pings are answered, as by a live tab. */
function connectionOf({ privateKey, peer }: Identity): Connection & { status: Connection['status'] } {
  const part = {
    remotePeer: { publicKey: privateKey.publicKey, toString: () => peer },
    status: 'open',
    newStream: () => Promise.resolve({ close: () => Promise.resolve() }),
  };
  return part as unknown as Connection;
}
