import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { toHex } from '../../protocol/bytes.ts';
import { isCountersigned } from '../../protocol/epoch.ts';
import { errorText } from '../../protocol/outcome.ts';
import type { Faults } from '../faults.ts';
import { scoresByAccount } from '../ledger/block-shares.ts';
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
import { checkSeal, closedScores, type BlockRules, type Checked } from './check-seal.ts';
import type { Journal } from './journal.ts';
import { copyOwnReceipts, restoreOwnReceipts } from './own-rows.ts';
import { commitVote, revealVote, type ScoresByMechanism, type Voter } from './own-vote.ts';
import { ReceiptPool } from './receipt-pool.ts';
import { mendSeal, sealTogether, type Sealing } from './sealing.ts';
import { isMyTurn } from './turns.ts';

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

/** A sealed epoch that waits for its block. */
type Pending = { epoch: number };

/** One validator at a time seals, mends and writes blocks. */
const ALONE = { lock: 'settlement' };

/**
 * One of several validators on one database: votes, seals and proposes when it is its turn, holds what others propose against its
 * own reading of the receipts, signs it or says why not, and writes what enough have signed. Every step is taken from what is in
 * the database, so that a restart goes on where it was.
 */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #pool: ReceiptPool;
  readonly #rules: BlockRules;
  readonly #sealing: Sealing;
  readonly #clock: () => number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  /** What was last seen to move, and when. */
  #progress = { what: '', atMs: 0 };
  #lastSlotMs = 0;
  #closedThrough = -1;
  /** Row up to which own receipts of the open epoch are copied. */
  #copied = { epoch: -1, row: 0 };
  #voted = -1;
  #revealed = -1;
  /** Since when rows of the open epoch are known to be altered. */
  #altered: { epoch: number; sinceMs: number } | null = null;
  #lookedAtOwnMs = 0;
  readonly #refused = new Set<string>();

  constructor(options: SettlementOptions) {
    this.#options = options;
    const { holder, policy } = options.ledger.parts;
    this.#pool = new ReceiptPool(holder.subnet);
    const policyDigest = nativeSha256(policyBytes(policy));
    this.#rules = { subnet: holder.subnet, policy, policyDigest };
    this.#sealing = {
      ledger: options.ledger.parts,
      rules: this.#rules,
      pool: this.#pool,
      epochSlots: options.epochSlots,
      logger: options.logger,
    };
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** Takes up what is there and goes on until stopped. */
  async start(): Promise<void> {
    this.#lastSlotMs = this.#clock();
    this.#closedThrough = await this.#lastClosed();
    const everyMs = Math.max(20, Math.min(250, this.#options.slotMs / 4));
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
    const { slotMs, epochSlots, ledger } = this.#options;
    const left = Math.max(0, epochSlots - ledger.current.slots) * slotMs;
    return Math.max(0, left - (this.#clock() - this.#lastSlotMs));
  }

  /** One look at the database, and whatever is to be done about it. */
  async step(): Promise<void> {
    const { ledger, journal, store } = this.#options;
    if (await ledger.follow()) {
      this.#lastSlotMs = this.#clock();
      journal.prune(ledger.current.epoch - 2 * ledger.parts.policy.vestingEpochs);
    }
    await this.#noticeClosed();
    const { epoch } = ledger.current;
    await this.#copyReceipts(epoch);
    await this.#lookAtOwn(epoch);
    await this.#vote(epoch);
    const pending = await store.db
      .selectFrom('epochs')
      .select('epoch')
      .where('sealed_at_ms', 'is not', null)
      .where('payload', 'is', null)
      .orderBy('epoch')
      .executeTakeFirst();
    if (pending !== undefined) await this.#settle(pending);
    // Two epochs never wait for blocks at a time: while the one before is not closed, no slot is counted.
    else await this.#count(epoch);
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

  async #copyReceipts(epoch: number): Promise<void> {
    const { store, journal, ledger } = this.#options;
    const { validator } = ledger.parts.holder;
    // The epoch before may have got its last ones between the last look and its seal.
    if (this.#copied.epoch >= 0 && this.#copied.epoch !== epoch)
      await copyOwnReceipts(store.db, journal, validator, this.#copied.epoch, this.#copied.row);
    const from = this.#copied.epoch === epoch ? this.#copied.row : 0;
    this.#copied = { epoch, row: await copyOwnReceipts(store.db, journal, validator, epoch, from) };
  }

  /** Once a slot: are this validator's receipts still what it signed? Those of epochs that were just closed as well. */
  async #lookAtOwn(epoch: number): Promise<void> {
    if (this.#clock() - this.#lookedAtOwnMs < this.#options.slotMs) return;
    this.#lookedAtOwnMs = this.#clock();
    for (const each of [epoch - 2, epoch - 1, epoch]) if (each >= 0) await this.#restore(each);
  }

  async #restore(epoch: number): Promise<void> {
    const { store, journal, ledger, logger } = this.#options;
    const { validator } = ledger.parts.holder;
    const mended = await restoreOwnReceipts(store, journal, validator, epoch);
    for (const task of mended)
      logger.warn(
        { epoch, task },
        'a receipt of this validator had been altered in the database; it is restored',
      );
  }

  /**
   * Reveals the vote of the epoch before, and commits to one about the work of the epoch before once that is closed: a seal is
   * nothing to vote by until enough have signed it. Each once.
   */
  async #vote(epoch: number): Promise<void> {
    const { ledger, store, journal, secret, weigh, faults } = this.#options;
    const { holder } = ledger.parts;
    const voter: Voter = { store, journal, secret, ...holder };
    if (this.#revealed < epoch) {
      await revealVote(voter, epoch);
      this.#revealed = epoch;
      faults.pass('vote.revealed');
    }
    if (epoch < 1 || this.#voted >= epoch || this.#closedThrough < epoch - 1) return;
    const { seats } = await this.#seats(epoch);
    if (!seats.some(({ validator }) => validator === holder.validator)) return;
    const scores = await this.#closedScores(epoch - 1);
    if (!(await commitVote(voter, epoch, weigh?.(scores) ?? scores))) return;
    this.#voted = epoch;
    faults.pass('vote.committed');
  }

  /** What a closed epoch's work is worth by account, as its header commits to it; by the receipts where rows were altered since. */
  async #closedScores(epoch: number): Promise<ScoresByMechanism> {
    const { store, logger } = this.#options;
    const names = new Set(this.#rules.policy.mechanisms.map(({ name }) => name));
    const sealed = await closedScores(store.db, epoch);
    if (sealed === null)
      logger.warn({ epoch }, 'scores were altered in the database after their epoch had closed');
    const scores = sealed ?? (await this.#check(store.db, epoch)).ownScores;
    return new Map([...scoresByAccount(scores)].filter(([name]) => names.has(name)));
  }

  /** Counts slots of the open epoch where it is this validator's turn, and seals the epoch when it has them all. */
  async #count(epoch: number): Promise<void> {
    const { store, ledger, slotMs, epochSlots, patienceMs } = this.#options;
    const self = ledger.parts.holder.validator;
    const row = await store.db
      .selectFrom('epochs')
      .select(['slots', 'counter'])
      .where('epoch', '=', epoch)
      .executeTakeFirstOrThrow();
    this.#moved(`slots ${epoch} ${row.slots} ${row.counter ?? ''}`);
    const { seats } = await this.#seats(epoch);
    const validators = seats.map(({ validator }) => validator);
    const silentMs = this.#clock() - this.#progress.atMs - (row.counter === null ? 0 : slotMs);
    if (!isMyTurn({ epoch, validators, self, active: row.counter, silentMs, patienceMs })) {
      ledger.noteSlots(row.slots);
      return;
    }
    if (row.counter !== self) {
      const taken = await store.write(async (tx) => {
        let query = tx
          .updateTable('epochs')
          .set({ counter: self })
          .where('epoch', '=', epoch)
          .where('slots', '=', row.slots)
          .where('sealed_at_ms', 'is', null);
        query =
          row.counter === null
            ? query.where('counter', 'is', null)
            : query.where('counter', '=', row.counter);
        return (await query.executeTakeFirst()).numUpdatedRows === 1n;
      });
      if (taken) this.#lastSlotMs = this.#clock();
      return;
    }
    if (this.#clock() - this.#lastSlotMs < slotMs) return;
    // Time asleep mints nothing: a timer that fires late counts once.
    this.#lastSlotMs = this.#clock();
    const slots = await store.write(async (tx) => {
      const counted = await tx
        .updateTable('epochs')
        .set((eb) => ({ slots: eb('slots', '+', 1) }))
        .where('epoch', '=', epoch)
        .where('counter', '=', self)
        .where('sealed_at_ms', 'is', null)
        .where('slots', '<', epochSlots)
        .returning('slots')
        .executeTakeFirst();
      return counted?.slots ?? row.slots;
    });
    ledger.noteSlots(slots);
    if (slots >= epochSlots) await this.#seal(epoch);
  }

  async #seal(epoch: number): Promise<void> {
    const { store, faults, logger, patienceMs, journal } = this.#options;
    const { seats } = await this.#seats(epoch);
    const validators = new Set<string>(seats.map(({ validator }) => validator));
    const nowMs = this.#clock();
    const mend = this.#altered?.epoch === epoch && nowMs - this.#altered.sinceMs >= patienceMs;
    const sealed = await store.write(async (tx) => {
      const proposal = await sealTogether(tx, this.#sealing, epoch, validators, mend);
      faults.pass('seal.writing');
      return proposal;
    }, ALONE);
    if (sealed === 'altered' && this.#altered?.epoch !== epoch) this.#altered = { epoch, sinceMs: nowMs };
    if (sealed === null || sealed === 'altered') return;
    journal.maySign(epoch, sealed);
    faults.pass('seal.written');
    logger.info({ epoch }, 'epoch sealed');
  }

  /** A sealed epoch waits for its block: write what enough have signed, sign what is right, mend what is not. */
  async #settle({ epoch }: Pending): Promise<void> {
    const { store, ledger, patienceMs } = this.#options;
    const { holder } = ledger.parts;
    const seats = await this.#seats(epoch);
    const validators = seats.seats.map(({ validator }) => validator);
    const proposals = await proposalsOf(store.db, epoch);
    this.#moved(`pending ${epoch} ${proposals.map(({ hash }) => toHex(hash)).join()}`);
    for (const proposal of proposals) {
      const signatures = await signaturesOf(store.db, epoch, proposal.hash);
      if (isCountersigned(proposal.payload, signatures, seats.seats))
        return await this.#write(epoch, proposal, seats);
    }
    if (!validators.includes(holder.validator)) return;
    await this.#restore(epoch);
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
    const silentMs = this.#clock() - this.#progress.atMs - patienceMs;
    const active = proposals.at(-1)?.validator ?? null;
    if (isMyTurn({ epoch, validators, self: holder.validator, active, silentMs, patienceMs }))
      await this.#mend(epoch, proposals.length);
  }

  #check(db: Kysely<Schema>, epoch: number): Promise<Checked> {
    return checkSeal(db, epoch, this.#rules, this.#pool, this.#options.epochSlots);
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

  #moved(what: string): void {
    if (what !== this.#progress.what) this.#progress = { what, atMs: this.#clock() };
  }
}
