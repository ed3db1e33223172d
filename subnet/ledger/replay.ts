import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { epochHash, openEpoch, type EpochHeader, type SignedEpoch } from '../../protocol/epoch.ts';
import { openReceipt, readReceipt, type Receipt } from '../../protocol/receipt.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Consensus } from '../consensus/consensus.ts';
import type { Store, Tx } from '../store/store.ts';
import { auditCommitment, drawAudit } from '../trust/audit-coin.ts';
import type { TrustPolicy } from '../trust/policy.ts';
import { LATENCY_ONE } from '../trust/latency.ts';
import { QUALITY_ONE } from '../trust/quality.ts';
import { scoreOf } from '../trust/score.ts';
import type { Score } from '../trust/score-epoch.ts';
import { DemandedRates } from './demanded-rates.ts';
import {
  penaltiesDigest,
  penaltiesOf,
  receiptsDigest,
  settlementDigest,
  weightsDigest,
  weightsOf,
} from './digests.ts';
import { isDue, isOverdue, linesOf, lotsOf, type Lot } from './lots.ts';
import { creditedTo, inOrder, settle, type Mechanism, type SettlementLine } from './settle.ts';

export type ReplayReport = {
  epochs: number;
  receipts: number;
  openReceipts: number;
  issued: bigint;
  accounts: number;
  /** Base units in escrow. */
  held: bigint;
  /** Receipts whose audit coins were tossed again with a key that has been published. */
  coins: number;
  penalties: number;
};

type ReplayOptions = {
  /** 32 bytes. */
  subnet: Uint8Array;
  validator: string;
  owner: string;
  validatorAccount: string;
  mechanisms: readonly Mechanism[];
  consensus: Consensus;
  policy: Omit<TrustPolicy, 'strikes'>;
};

/** Thrown where the replay differs; caught once. */
class Difference extends Error {}
const differs = (message: string): never => {
  throw new Difference(message);
};

/**
 * Replays the ledger from its signed receipts and compares every digest, header, score, penalty, lot, settlement line, balance
 * and the total with what is stored, requires of every unit that was not audited the rate that its peer's escrow demands, and
 * tosses the audit coins of every epoch whose key is public again. Fails with the first
 * difference. Reads one snapshot, so the node may go on meanwhile.
 */
export async function replayLedger(
  store: Store,
  options: ReplayOptions,
): Promise<Outcome<ReplayReport, 'DIFFERENCE'>> {
  try {
    return ok(await store.db.transaction().execute((db) => new Replay(db, options).run()));
  } catch (error) {
    if (error instanceof Difference) return fail('DIFFERENCE', error.message);
    throw error;
  }
}

type HeldLot = Lot & { lastIndex: number };
type EpochRow = {
  epoch: number;
  beacon: Uint8Array;
  audit_commitment: Uint8Array;
  payload: Uint8Array | null;
  signature: Uint8Array | null;
};

class Replay {
  readonly #db: Tx;
  readonly #options: ReplayOptions;
  readonly #balances = new Map<string, bigint>();
  readonly #held = new Map<string, HeldLot>();
  /** Accepted units by `peer kind`. */
  readonly #accepted = new Map<string, number>();
  readonly #commitments: Uint8Array[] = [];
  /** Published audit keys by their commitment (hex). */
  readonly #keys = new Map<string, Uint8Array>();
  /** First epoch in which a punished peer may score again. */
  readonly #punishedUntil = new Map<string, number>();
  readonly #rates: DemandedRates;
  #issued = 0n;
  #previous: SignedEpoch | null = null;
  #receipts = 0;
  #openReceipts = 0;
  #coins = 0;
  #penalties = 0;

  constructor(db: Tx, options: ReplayOptions) {
    this.#db = db;
    this.#options = options;
    this.#rates = new DemandedRates(options.policy);
  }

  async run(): Promise<ReplayReport> {
    const epochs = await this.#db.selectFrom('epochs').selectAll().orderBy('epoch').execute();
    for (const [index, row] of epochs.entries()) {
      if (row.epoch !== index) differs(`epoch ${row.epoch}: expected epoch ${index}`);
      const last = index === epochs.length - 1;
      await this.#epoch(row, last);
    }
    await this.#compareBalances();
    await this.#compareTasks();
    return {
      epochs: epochs.length - 1,
      receipts: this.#receipts,
      openReceipts: this.#openReceipts,
      issued: this.#issued,
      accounts: this.#balances.size,
      held: this.#heldSum(),
      coins: this.#coins,
      penalties: this.#penalties,
    };
  }

  async #epoch(row: EpochRow, last: boolean): Promise<void> {
    const at = `epoch ${row.epoch}`;
    const { receipts, work } = await this.#readReceipts(row.epoch);
    this.#receipts += receipts.length;
    this.#commitments.push(row.audit_commitment);
    const { payload, signature } = row;
    if (payload === null || signature === null) {
      if (!last) differs(`${at}: not closed, though a later one is open`);
      this.#openReceipts = receipts.length;
      return await this.#compareOpenWork(row.epoch, work);
    }
    const signed: SignedEpoch = { payload, signature };
    const header = this.#readHeader(row, signed);
    if (header.receiptCount !== receipts.length)
      differs(`${at}: ${receipts.length} receipts, the header says ${header.receiptCount}`);
    if (!equalBytes(header.receiptsDigest, receiptsDigest(receipts)))
      differs(`${at}: the receipts differ from the header`);
    const punished = await this.#punish(header);
    const scores = await this.#readScores(row.epoch, header, work);
    await this.#settle(header, scores, punished);
    await this.#tossCoins(header);
    this.#previous = signed;
  }

  async #readReceipts(
    epoch: number,
  ): Promise<{ receipts: { payload: Uint8Array; signature: Uint8Array }[]; work: Map<string, bigint> }> {
    const { validator, subnet } = this.#options;
    const rows = await this.#db
      .selectFrom('receipts')
      .selectAll()
      .where('epoch', '=', epoch)
      .orderBy('id')
      .execute();
    const work = new Map<string, bigint>();
    for (const row of rows) {
      const at = `epoch ${epoch}, receipt of ${toHex(row.task_id)}`;
      const opened = openReceipt(row);
      const receipt: Receipt = opened.ok ? opened.value : differs(`${at}: ${opened.message}`);
      const same =
        receipt.validator === validator &&
        equalBytes(receipt.subnet, subnet) &&
        equalBytes(receipt.taskId, row.task_id) &&
        receipt.epoch === row.epoch &&
        receipt.kind === row.kind &&
        receipt.peer === row.peer &&
        toHex(receipt.account) === row.account &&
        receipt.work.toString() === row.work;
      if (!same) differs(`${at}: the row does not say what this validator signed`);
      const index = (this.#accepted.get(`${row.peer} ${row.kind}`) ?? 0) + 1;
      if (row.kind_index !== index)
        differs(`${at}: it is unit ${index} of its peer, the row says ${row.kind_index}`);
      this.#accepted.set(`${row.peer} ${row.kind}`, index);
      this.#checkRate(at, receipt);
      const key = `${row.kind} ${row.account} ${row.peer}`;
      work.set(key, (work.get(key) ?? 0n) + receipt.work);
    }
    return { receipts: rows, work };
  }

  /** A unit that was audited has had the most a unit can have; of the others, the rate must be what their escrow demands. */
  #checkRate(at: string, { peer, kind, work, epoch, audit }: Receipt): void {
    const least = this.#rates.least(peer, kind, work);
    if (!audit.drawn && Buffer.compare(audit.threshold, least) < 0)
      differs(`${at}: its audit rate is lower than its work and the escrow of ${peer} demand`);
    const punished = (this.#punishedUntil.get(peer) ?? 0) > epoch;
    this.#rates.accepted(peer, kind, { work, epoch }, punished);
  }

  #readHeader(row: EpochRow, signed: SignedEpoch): EpochHeader {
    const at = `epoch ${row.epoch}`;
    const opened = openEpoch(signed);
    const header = opened.ok ? opened.value : differs(`${at}: ${opened.message}`);
    if (header.validator !== this.#options.validator || !equalBytes(header.subnet, this.#options.subnet))
      differs(`${at}: the header is not by this validator for this subnet`);
    if (!equalBytes(header.beacon, row.beacon) || !equalBytes(header.auditCommitment, row.audit_commitment))
      differs(`${at}: beacon or audit commitment differ from the header`);
    if (header.epoch !== row.epoch) differs(`${at}: the header is of epoch ${header.epoch}`);
    const before = this.#previous === null ? new Uint8Array(32) : epochHash(this.#previous);
    if (!equalBytes(header.previous, before)) differs(`${at}: the chain is broken`);
    return header;
  }

  /** Who was proven to have failed in this epoch: as signed, each in a task of theirs that was refused or revoked. */
  async #punish({ epoch, penaltiesDigest: signed }: EpochHeader): Promise<Set<string>> {
    const penalties = await penaltiesOf(this.#db, epoch);
    if (!equalBytes(signed, penaltiesDigest(penalties)))
      differs(`epoch ${epoch}: the proven failures differ from the header`);
    for (const { taskId, peer, kind } of penalties) {
      const task = await this.#db
        .selectFrom('tasks')
        .select(['state', 'revoked'])
        .where('task_id', '=', taskId)
        .where('peer', '=', peer)
        .where('kind', '=', kind)
        .executeTakeFirst();
      if (task?.state !== 'rejected' && task?.revoked == null)
        differs(`epoch ${epoch}: ${peer} is punished for ${toHex(taskId)}, which no audit refused`);
    }
    const peers = new Set(penalties.map(({ peer }) => peer));
    for (const peer of peers) {
      this.#punishedUntil.set(peer, epoch + this.#options.policy.punishedEpochs + 1);
      this.#rates.forfeit(peer);
    }
    this.#penalties += penalties.length;
    return peers;
  }

  /** The stored scores: as signed, and work that there are receipts of × quality × latency; nothing for the punished. */
  async #readScores(epoch: number, header: EpochHeader, work: ReadonlyMap<string, bigint>): Promise<Score[]> {
    const at = `epoch ${epoch}`;
    const rows = await this.#db
      .selectFrom('weights')
      .selectAll()
      .where('epoch', '=', epoch)
      .orderBy('mechanism')
      .orderBy('account')
      .orderBy('peer')
      .execute();
    const scores = rows.map(({ weight, ...row }) => ({ ...row, weight: BigInt(weight) }));
    if (!equalBytes(header.weightsDigest, weightsDigest(scores)))
      differs(`${at}: the scores differ from the header`);
    for (const { mechanism, account, peer, quality, latency, weight } of scores) {
      const done = work.get(`${mechanism} ${account} ${peer}`) ?? 0n;
      if (quality < 0 || quality > QUALITY_ONE || latency < 0 || latency > LATENCY_ONE)
        differs(`${at}: ${peer} is weighed by a factor that is none`);
      const punished = (this.#punishedUntil.get(peer) ?? 0) > epoch;
      if (weight !== scoreOf(done, quality, latency, punished))
        differs(`${at}: the score of ${peer} does not follow from its receipts, quality and latency`);
    }
    if (scores.length !== work.size)
      differs(`${at}: ${work.size} peers did work, ${scores.length} are scored`);
    return scores;
  }

  async #settle(header: EpochHeader, scores: readonly Score[], punished: ReadonlySet<string>): Promise<void> {
    const { epoch } = header;
    const at = `epoch ${epoch}`;
    const settled = settle({
      issued: this.#issued,
      slots: header.slots,
      owner: this.#options.owner,
      mechanisms: this.#options.mechanisms,
      weights: weightsOf(scores, this.#options.validatorAccount),
      consensus: this.#options.consensus,
    });
    this.#issued += settled.issued;
    const ended = await this.#endLots(epoch, punished);
    for (const lot of lotsOf(epoch, settled.lines, scores)) {
      const lastIndex = this.#accepted.get(`${lot.peer} ${lot.mechanism}`) ?? 0;
      this.#held.set(nameOf(lot), { ...lot, lastIndex });
    }
    const lines = inOrder([...settled.lines, ...ended]);
    if (!equalBytes(header.settlementDigest, settlementDigest(lines)))
      differs(`${at}: the settlement differs from the header`);
    const rows = await this.#db.selectFrom('settlements').selectAll().where('epoch', '=', epoch).execute();
    const stored = rows.map((row) => `${row.mechanism} ${row.role} ${row.account} ${row.amount}`);
    const replayed = lines.map((line) => `${line.mechanism} ${line.role} ${line.account} ${line.amount}`);
    if (stored.sort().join('\n') !== replayed.sort().join('\n'))
      differs(`${at}: the stored settlement differs`);
    if (header.issued !== settled.issued || header.totalIssued !== this.#issued)
      differs(`${at}: the issue differs`);
    for (const line of lines) {
      const account = creditedTo(line);
      if (account !== null) this.#balances.set(account, (this.#balances.get(account) ?? 0n) + line.amount);
    }
  }

  /** What the stored lots say ended here: forfeits follow from penalties, and nothing is released before it is due. */
  async #endLots(epoch: number, punished: ReadonlySet<string>): Promise<SettlementLine[]> {
    const at = `epoch ${epoch}`;
    const rows = await this.#db.selectFrom('lots').selectAll().where('ended_epoch', '=', epoch).execute();
    const [forfeited, released]: [HeldLot[], HeldLot[]] = [[], []];
    for (const row of rows) {
      const lot = this.#held.get(nameOf(row)) ?? differs(`${at}: a lot ends that was never held`);
      if (lot.amount !== BigInt(row.amount) || lot.lastIndex !== row.last_index)
        differs(`${at}: the lot of ${row.peer} of epoch ${row.epoch} differs`);
      const forfeit = row.ended_as === 'forfeit';
      if (forfeit !== punished.has(row.peer))
        differs(`${at}: ${row.peer} is ${forfeit ? '' : 'not '}forfeited without reason`);
      const accepted = this.#accepted.get(`${lot.peer} ${lot.mechanism}`) ?? 0;
      if (!forfeit && !isDue(lot, { epoch, accepted }, this.#options.policy))
        differs(`${at}: the lot of ${row.peer} of epoch ${row.epoch} is released before it is due`);
      (forfeit ? forfeited : released).push(lot);
      this.#held.delete(nameOf(row));
    }
    for (const lot of this.#held.values()) {
      if (punished.has(lot.peer)) differs(`${at}: a lot of ${lot.peer} was not forfeited`);
      if (isOverdue(lot, epoch, this.#options.policy))
        differs(`${at}: the lot of ${lot.peer} of epoch ${lot.epoch} was due and is not released`);
    }
    return [...linesOf('forfeit', forfeited), ...linesOf('release', released)];
  }

  /** A published key fits its commitment, and every coin of its epoch fell as the receipts say. */
  async #tossCoins({ epoch, auditReveal }: EpochHeader): Promise<void> {
    const over = epoch - this.#options.policy.vestingEpochs;
    if (auditReveal === null) {
      if (over >= 0) differs(`epoch ${epoch}: the audit key of epoch ${over} is not revealed`);
      return;
    }
    const commitment = this.#commitments[auditReveal.epoch];
    if (auditReveal.epoch !== over || commitment === undefined)
      return differs(
        `epoch ${epoch}: it reveals the audit key of epoch ${auditReveal.epoch}, expected ${over}`,
      );
    if (!equalBytes(auditCommitment(auditReveal.key), commitment))
      differs(`epoch ${epoch}: the revealed audit key is not the one that epoch ${over} committed to`);
    this.#keys.set(toHex(commitment), auditReveal.key);
    const rows = await this.#db.selectFrom('receipts').select('payload').where('epoch', '=', over).execute();
    for (const row of rows) {
      const read = readReceipt(row.payload);
      const { taskId, digest, audit } = read.ok ? read.value : differs(read.message);
      // An epoch may close between a coin and its receipt: then the key is that of an earlier one.
      const key = this.#keys.get(toHex(audit.commitment));
      if (key === undefined)
        return differs(`epoch ${over}, receipt of ${toHex(taskId)}: its coin was tossed with an unknown key`);
      // Between coin and receipt lies one write, unless the unit was audited: an older key would be a coin of choice.
      const own = [this.#commitments[over], this.#commitments[over - 1]];
      if (!audit.drawn && !own.some((each) => each !== undefined && equalBytes(each, audit.commitment)))
        differs(
          `epoch ${over}, receipt of ${toHex(taskId)}: its coin was tossed with the key of an older epoch`,
        );
      if (drawAudit(key, taskId, digest, audit.threshold) !== audit.drawn)
        differs(`epoch ${over}, receipt of ${toHex(taskId)}: the audit coin fell the other way`);
    }
    this.#coins += rows.length;
  }

  async #compareOpenWork(epoch: number, work: ReadonlyMap<string, bigint>): Promise<void> {
    const rows = await this.#db.selectFrom('epoch_work').selectAll().where('epoch', '=', epoch).execute();
    const stored = rows.map((row) => `${row.kind} ${row.account} ${row.peer} ${row.work}`);
    const replayed = [...work].map(([key, sum]) => `${key} ${sum}`);
    if (stored.sort().join('\n') !== replayed.sort().join('\n'))
      differs(`epoch ${epoch}: the sums of pending work differ from its receipts`);
  }

  async #compareBalances(): Promise<void> {
    const stored = await this.#db.selectFrom('balances').selectAll().execute();
    for (const { account, amount } of stored) {
      if (this.#balances.get(account) !== BigInt(amount))
        differs(`balance of ${account}: ${amount} stored, ${this.#balances.get(account) ?? 0n} replayed`);
    }
    if (stored.length !== this.#balances.size)
      differs(`${stored.length} balances stored, ${this.#balances.size} replayed`);
    const lots = await this.#db.selectFrom('lots').selectAll().where('ended_epoch', 'is', null).execute();
    for (const row of lots) {
      if (this.#held.get(nameOf(row))?.amount !== BigInt(row.amount))
        differs(`the lot of ${row.peer} of epoch ${row.epoch} differs from what was paid`);
    }
    if (lots.length !== this.#held.size) differs(`${lots.length} lots held, ${this.#held.size} replayed`);
    const total = [...this.#balances.values()].reduce((sum, amount) => sum + amount, this.#heldSum());
    if (total !== this.#issued) differs(`balances and escrow sum to ${total}, issued ${this.#issued}`);
  }

  async #compareTasks(): Promise<void> {
    const unreceipted = await this.#db
      .selectFrom('tasks')
      .leftJoin('receipts', 'receipts.task_id', 'tasks.task_id')
      .select('tasks.task_id')
      .where('tasks.state', '=', 'accepted')
      .where('receipts.id', 'is', null)
      .executeTakeFirst();
    if (unreceipted !== undefined)
      differs(`task ${toHex(unreceipted.task_id)} was accepted and has no receipt`);
  }

  #heldSum(): bigint {
    return [...this.#held.values()].reduce((sum, { amount }) => sum + amount, 0n);
  }
}

const nameOf = ({
  epoch,
  mechanism,
  account,
  peer,
}: Pick<Lot, 'epoch' | 'mechanism' | 'account' | 'peer'>): string =>
  `${epoch} ${mechanism} ${account} ${peer}`;
