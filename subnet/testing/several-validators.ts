import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { inSeatOrder, signValidatorSet, type Seat } from '../../protocol/validators.ts';
import { TRUST_POLICY } from '../config.ts';
import { installSeats } from '../ledger/seats.ts';
import { Ledger, type LedgerOptions } from '../ledger/ledger.ts';
import { Journal } from '../settlement/journal.ts';
import type { ScoresByMechanism } from '../settlement/own-vote.ts';
import { Settlement } from '../settlement/settlement.ts';
import { isDatabaseUrl, Store } from '../store/store.ts';
import { openEmptyStore, openTestDatabase, type TestDatabase } from './databases.ts';
import { accountOf, MECHANISMS, noFaults, OWNER, OWNER_SEED, peerOf, silent, SUBNET } from './ledger.ts';
import { WorkingLedger } from './working-ledger.ts';

/** Seeds of the validators' keys. */
const FIRST_SEED = 110;
export const SLOT_MS = 100;
export const EPOCH_SLOTS = 3;
export const PATIENCE_MS = 1_000;

export type TestPeer = {
  index: number;
  seat: Seat;
  store: Store;
  ledger: Ledger;
  journal: Journal;
  settlement: Settlement;
  work: WorkingLedger;
  /** Epochs that it noticed were closed. */
  closed: number[];
};

export type SeveralOptions = {
  policy?: Partial<LedgerOptions['policy']>;
  /** By validator: what it votes instead of what it finds. */
  weigh?: Record<number, (scores: ScoresByMechanism) => ScoresByMechanism>;
  logger?: Logger;
};

/** Several validators on one database, each with keys and journal of its own, driven by a clock that the test moves. */
export class SeveralValidators {
  readonly store: Store;
  readonly peers: TestPeer[] = [];
  readonly #folder: string;
  readonly #database: TestDatabase;
  readonly #options: SeveralOptions;
  readonly #down = new Set<number>();
  #nowMs = 0;

  private constructor(store: Store, database: TestDatabase, folder: string, options: SeveralOptions) {
    this.store = store;
    this.#database = database;
    this.#folder = folder;
    this.#options = options;
  }

  static async open(stakes: readonly bigint[], options: SeveralOptions = {}): Promise<SeveralValidators> {
    const folder = mkdtempSync(join(tmpdir(), 'gridtab-several-'));
    const database = await openTestDatabase();
    const store = await openEmptyStore(database.target);
    const all = new SeveralValidators(store, database, folder, options);
    const seats = await Promise.all(
      stakes.map(async (stake, i) => ({
        validator: await peerOf(FIRST_SEED + i),
        stake,
        account: accountOf(FIRST_SEED + i) as string,
      })),
    );
    await store.write((tx) =>
      installSeats(
        tx,
        0,
        signValidatorSet({ subnet: SUBNET, fromEpoch: 0, seats: inSeatOrder(seats) }, OWNER_SEED),
      ),
    );
    for (const [i, seat] of seats.entries()) all.peers.push(await all.#start(i, seat));
    return all;
  }

  /** The validator has crashed: it does nothing until it is started again. */
  crash(index: number): void {
    this.#down.add(index);
    this.peers[index]?.journal.close();
  }

  async restart(index: number): Promise<void> {
    const peer = this.peers[index];
    if (peer === undefined) throw new RangeError(`no validator ${index}`);
    await this.#closeStore(peer);
    this.peers[index] = await this.#start(index, peer.seat);
    this.#down.delete(index);
  }

  /** Moves the clock on and lets each validator look once, in this order. */
  async step(ms = SLOT_MS / 2, order: readonly number[] = [...this.peers.keys()]): Promise<void> {
    this.#nowMs += ms;
    for (const index of order) if (!this.#down.has(index)) await this.peers[index]?.settlement.step();
  }

  /** Steps until the epoch is closed. Throws when that takes unreasonably long. */
  async until(epoch: number, ms?: number): Promise<void> {
    for (let tries = 0; (await this.closed()) < epoch; tries++) {
      if (tries > 400) throw new Error(`epoch ${epoch} does not close`);
      await this.step(ms);
    }
  }

  /** The last epoch that is closed, −1 for none. */
  async closed(): Promise<number> {
    const { last } = await this.store.db
      .selectFrom('epochs')
      .select((eb) => eb.fn.max('epoch').as('last'))
      .where('payload', 'is not', null)
      .executeTakeFirstOrThrow();
    return last ?? -1;
  }

  async close(): Promise<void> {
    for (const peer of this.peers) {
      if (!this.#down.has(peer.index)) peer.journal.close();
      await this.#closeStore(peer);
    }
    await this.store.close();
    this.#database.drop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #closeStore({ store }: TestPeer): Promise<void> {
    if (store !== this.store) await store.close();
  }

  async #start(index: number, seat: Seat): Promise<TestPeer> {
    const { target } = this.#database;
    // On SQLite one process is all there is; on PostgreSQL each has connections of its own.
    const store = isDatabaseUrl(target) ? await Store.open(target) : this.store;
    const seed = new Uint8Array(32).fill(FIRST_SEED + index);
    const ledger = await Ledger.open({
      store,
      subnet: SUBNET,
      validator: seat.validator,
      validatorSeed: seed,
      validatorAccount: accountOf(FIRST_SEED + index),
      owner: OWNER,
      ownerSeed: null,
      mechanisms: MECHANISMS,
      auditSecret: new Uint8Array(32).fill(150 + index),
      policy: { ...TRUST_POLICY, auditFloorPpm: 10_000, ...this.#options.policy },
      faults: noFaults,
      logger: silent,
      now: Date.now,
      randomBytes: (length) => new Uint8Array(randomBytes(length)),
    });
    const journal = Journal.open(join(this.#folder, `journal-${index}.sqlite`));
    const closed: number[] = [];
    const weigh = this.#options.weigh?.[index];
    const settlement = new Settlement({
      store,
      ledger,
      journal,
      secret: new Uint8Array(32).fill(200 + index),
      slotMs: SLOT_MS,
      epochSlots: EPOCH_SLOTS,
      patienceMs: PATIENCE_MS,
      faults: noFaults,
      logger: this.#options.logger ?? silent,
      clock: () => this.#nowMs,
      onClosed: (epoch) => closed.push(epoch),
      ...(weigh === undefined ? {} : { weigh }),
    });
    const base = {
      store,
      ledger,
      validator: seat.validator,
      path: '',
      close: async () => undefined,
    };
    return {
      index,
      seat,
      store,
      ledger,
      journal,
      settlement,
      work: WorkingLedger.over(base, 10_000 * (index + 1), this.#options.policy),
      closed,
    };
  }
}
