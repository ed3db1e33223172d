import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { toHex } from '../../protocol/bytes.ts';
import { isCountersigned } from '../../protocol/epoch.ts';
import { errorText } from '../../protocol/outcome.ts';
import type { Faults } from '../faults.ts';
import { nativeSha256 } from '../ledger/digests.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { policyBytes } from '../ledger/policy.ts';
import { seatsAt, type Seats } from '../ledger/seats.ts';
import type { Schema } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import {
  countersign,
  finalize,
  proposalProblem,
  proposalsOf,
  signaturesOf,
  type Proposal,
} from './blocks.ts';
import { checkSeal, type BlockRules, type Checked } from './check-seal.ts';
import { SpendingCheck } from './check-spending.ts';
import { Counting } from './counting.ts';
import type { Journal } from './journal.ts';
import { OwnRows } from './own-rows.ts';
import type { ScoresByMechanism } from './own-vote.ts';
import { ReceiptPool } from './receipt-pool.ts';
import { mendSeal, sealTogether, type Sealing } from './sealing.ts';
import { isMyTurn } from './turns.ts';
import { Voting } from './voting.ts';

export type SettlementOptions = {
  store: Store;
  ledger: Ledger;
  journal: Journal;
  /** 32 secret bytes that votes hide behind. */
  secret: Uint8Array;
  slotMs: number;
  epochSlots: number;
  /** How long whoever is in turn may be silent before the next one steps in. */
  patienceMs: number;
  faults: Faults;
  logger: Logger;
  /** Monotonic milliseconds. */
  clock?: () => number;
  /** What this validator votes, from what it makes of the work; for tests of validators that are not honest. */
  weigh?: (scores: ScoresByMechanism) => ScoresByMechanism;
  /** A block is written, by whomever. */
  onClosed: (epoch: number) => void;
};

/** Between two looks at the database: a quarter of a slot, within these bounds. */
const MIN_STEP_MS = 20;
const MAX_STEP_MS = 250;

/** One validator at a time seals, mends and writes blocks. */
const ALONE = { alone: true };

/**
 * One of several validators on one database: votes, seals and proposes when it is its turn, holds what others propose against its
 * own reading of the receipts, signs it or says why not, and writes what enough have signed. Every step is taken from what is in
 * the database, so that a restart goes on where it was.
 */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #rules: BlockRules;
  readonly #sealing: Sealing;
  readonly #counting: Counting;
  readonly #voting: Voting;
  readonly #ownRows: OwnRows;
  readonly #clock: () => number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Proposals of a sealed epoch that were last seen, and since when. */
  #pending = { what: '', atMs: 0 };
  #closedThrough = -1;
  /** Since when rows of the open epoch are known to be altered. */
  #altered: { epoch: number; sinceMs: number } | null = null;
  readonly #refused = new Set<string>();

  constructor(options: SettlementOptions) {
    this.#options = options;
    const { store, ledger, journal, secret, epochSlots, slotMs, faults, logger, weigh } = options;
    const { holder, policy } = ledger.parts;
    const clock = options.clock ?? (() => performance.now());
    this.#clock = clock;
    this.#rules = { subnet: holder.subnet, policy, policyDigest: nativeSha256(policyBytes(policy)) };
    const pool = new ReceiptPool(holder.subnet);
    const spending = new SpendingCheck(holder.subnet);
    this.#sealing = { ledger: ledger.parts, rules: this.#rules, pool, spending, epochSlots, logger };
    this.#counting = new Counting({ ...options, clock });
    this.#voting = new Voting({
      voter: { store, journal, secret, ...holder },
      mechanisms: new Set(policy.mechanisms.map(({ name }) => name)),
      scoresByReceipts: async (epoch) => (await this.#check(store.db, epoch)).ownScores,
      weigh,
      faults,
      logger,
    });
    const { validator } = holder;
    this.#ownRows = new OwnRows({ store, journal, validator, everyMs: slotMs, clock, logger });
  }

  /** Takes up what is there and goes on until stopped. */
  async start(): Promise<void> {
    this.#counting.begin();
    this.#closedThrough = await this.#lastClosed();
    const everyMs = Math.max(MIN_STEP_MS, Math.min(MAX_STEP_MS, this.#options.slotMs / 4));
    const tick = (): void => {
      this.#running = this.step()
        .catch((error: unknown) =>
          this.#options.logger.error({ error: errorText(error) }, 'a step of settlement failed'),
        )
        .finally(() => {
          if (!this.#stopped) this.#timer = setTimeout(tick, everyMs);
        });
    };
    tick();
  }

  /** Waits for the step in progress. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    clearTimeout(this.#timer);
  }

  /** Milliseconds until the open epoch is sealed, if whoever counts stays up. */
  endsInMs(): number {
    return this.#counting.endsInMs();
  }

  /** One look at the database, and whatever is to be done about it. */
  async step(): Promise<void> {
    const { ledger, journal, store } = this.#options;
    if (await ledger.follow()) {
      this.#counting.begin();
      journal.prune(ledger.current.epoch - 2 * ledger.parts.policy.vestingEpochs);
    }
    await this.#noticeClosed();
    const { epoch } = ledger.current;
    const seats = await this.#seats(epoch);
    await this.#ownRows.look(epoch);
    await this.#voting.look(epoch, this.#closedThrough, seats);
    const pending = await store.db
      .selectFrom('epochs')
      .select('epoch')
      .where('sealed_at_ms', 'is not', null)
      .where('payload', 'is', null)
      .orderBy('epoch')
      .executeTakeFirst();
    // Two epochs never wait for blocks at a time: while the one before is not closed, no slot is counted.
    if (pending !== undefined) return await this.#settle(pending.epoch);
    const validators = seats.seats.map(({ validator }) => validator);
    if (await this.#counting.look(epoch, validators)) await this.#seal(epoch, new Set(validators));
  }

  async #seats(epoch: number): Promise<Seats> {
    const { policy, holder } = this.#options.ledger.parts;
    return await seatsAt(this.#options.store.db, epoch, { owner: policy.owner, subnet: holder.subnet });
  }

  async #lastClosed(): Promise<number> {
    const row = await this.#options.store.db
      .selectFrom('epochs')
      .select((eb) => eb.fn.max('epoch').as('last'))
      .where('payload', 'is not', null)
      .executeTakeFirst();
    return row?.last ?? -1;
  }

  async #noticeClosed(): Promise<void> {
    const last = await this.#lastClosed();
    for (; this.#closedThrough < last; this.#closedThrough++) this.#options.onClosed(this.#closedThrough + 1);
  }

  async #seal(epoch: number, validators: ReadonlySet<string>): Promise<void> {
    const { store, faults, logger, patienceMs, journal } = this.#options;
    const nowMs = this.#clock();
    const mend = this.#altered?.epoch === epoch && nowMs - this.#altered.sinceMs >= patienceMs;
    const sealed = await store.write(async (tx) => {
      const proposal = await sealTogether(tx, this.#sealing, epoch, validators, mend);
      faults.pass('seal.writing');
      return proposal;
    }, ALONE);
    if (sealed === 'altered' && this.#altered?.epoch !== epoch) this.#altered = { epoch, sinceMs: nowMs };
    if (sealed === null || sealed === 'altered') return;
    if (sealed !== 'unproposed') journal.maySign(epoch, sealed);
    faults.pass('seal.written');
    logger.info({ epoch }, 'epoch sealed');
  }

  /** A sealed epoch waits for its block: write what enough have signed, sign what is right, mend what is not. */
  async #settle(epoch: number): Promise<void> {
    const { store, ledger, patienceMs } = this.#options;
    const { holder } = ledger.parts;
    const seats = await this.#seats(epoch);
    const validators = seats.seats.map(({ validator }) => validator);
    const proposals = await proposalsOf(store.db, epoch);
    const what = `${epoch} ${proposals.map(({ hash }) => toHex(hash)).join()}`;
    if (what !== this.#pending.what) this.#pending = { what, atMs: this.#clock() };
    for (const proposal of proposals) {
      const signatures = await signaturesOf(store.db, epoch, proposal.hash);
      if (isCountersigned(proposal.payload, signatures, seats.seats))
        return await this.#write(epoch, proposal, seats);
    }
    if (!validators.includes(holder.validator)) return;
    await this.#ownRows.restore(epoch);
    const checked = await this.#check(store.db, epoch);
    if (checked.problem === null) {
      for (const proposal of proposals) if (await this.#sign(epoch, proposal, checked)) return;
    } else {
      this.#refuse(epoch, 'seal', checked.problem.message);
    }
    const isRight = (each: Proposal): boolean => proposalProblem(checked, holder.subnet, each) === null;
    if (
      proposals.some(
        (each) => each.validator === holder.validator || (checked.problem === null && isRight(each)),
      )
    )
      return;
    // Whoever proposed was not right, or enough would have signed: after a while it is the next one's turn.
    const silentMs = this.#clock() - this.#pending.atMs - patienceMs;
    const active = proposals.at(-1)?.validator ?? null;
    if (isMyTurn({ epoch, validators, self: holder.validator, active, silentMs, patienceMs }))
      await this.#mend(epoch, proposals.length);
  }

  #check(db: Kysely<Schema>, epoch: number): Promise<Checked> {
    return checkSeal(db, epoch, this.#rules, this.#sealing, this.#options.epochSlots);
  }

  async #sign(epoch: number, proposal: Proposal, checked: Checked): Promise<boolean> {
    const { store, ledger, journal, faults } = this.#options;
    const { holder } = ledger.parts;
    const problem = proposalProblem(checked, holder.subnet, proposal);
    if (problem !== null) {
      this.#refuse(epoch, toHex(proposal.hash), `${problem} (proposed by ${proposal.validator})`);
      return false;
    }
    if (!journal.maySign(epoch, proposal.hash)) return false;
    await store.write((tx) => countersign(tx, ledger.parts, epoch, proposal));
    faults.pass('header.signed');
    return true;
  }

  async #write(epoch: number, proposal: Proposal, { seats }: Seats): Promise<void> {
    const { store, ledger, faults, logger } = this.#options;
    const written = await store.write(async (tx) => {
      const done = await finalize(tx, ledger.parts, epoch, proposal, seats);
      faults.pass('epoch.writing');
      return done;
    }, ALONE);
    if (!written) return;
    faults.pass('epoch.closed');
    logger.info({ epoch, settler: proposal.validator }, 'epoch closed');
    await this.#noticeClosed();
  }

  async #mend(epoch: number, proposals: number): Promise<void> {
    const { store, logger, journal } = this.#options;
    const proposed = await store.write((tx) => mendSeal(tx, this.#sealing, epoch, proposals), ALONE);
    if (proposed === null) return;
    journal.maySign(epoch, proposed);
    logger.info({ epoch }, 'block proposed in another validator’s place');
  }

  /** Says once why something is not signed. */
  #refuse(epoch: number, what: string, why: string): void {
    const key = `${epoch} ${what} ${why}`;
    if (this.#refused.has(key)) return;
    if (this.#refused.size > 1_000) this.#refused.clear();
    this.#refused.add(key);
    this.#options.logger.warn({ epoch, what, why }, 'this validator does not sign');
  }
}
