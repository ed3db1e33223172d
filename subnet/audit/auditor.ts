import { equalBytes, hexToBytes, toHex } from '../../protocol/bytes.ts';
import { epochHash, type EpochHeader } from '../../protocol/epoch.ts';
import { openValidatorSet, validatorSetHash } from '../../protocol/validators.ts';
import { auditRevealEpoch, computeBlock, workWindow, type Block, type EpochRows } from '../ledger/block.ts';
import { DemandedRates } from '../ledger/demanded-rates.ts';
import {
  nativeSha256,
  operationsDigest,
  penaltiesDigest,
  receiptsRoot,
  weightsDigest,
} from '../ledger/digests.ts';
import { firstBeacon } from '../ledger/epoch-rows.ts';
import type { Lot } from '../ledger/lots.ts';
import { readPolicy, type LedgerPolicy } from '../ledger/policy.ts';
import type { Seats } from '../ledger/seats.ts';
import { beaconAfter } from '../settlement/check-seal.ts';
import { checkHeader, compareFields } from './check-header.ts';
import { ReceiptChecks, type CheckedReceipts } from './check-receipts.ts';
import { checkScores } from './check-scores.ts';
import { differs } from './difference.ts';
import type { EpochRowsByKind, ExportedEpoch } from './frames.ts';
import { HeldLots } from './held-lots.ts';
import { PublishedKeys } from './published-keys.ts';
import { penaltiesOfRows, scoresOfRows, votesOfRows } from './rows.ts';
import { Spending } from './spending.ts';
import { UnpaidWork } from './unpaid-work.ts';

/** A closed epoch that was recomputed to the last byte of its header. */
export type AuditedBlock = {
  header: EpochHeader;
  signed: NonNullable<ExportedEpoch['header']>;
  seats: Seats;
  block: Block;
  released: readonly Lot[];
  forfeited: readonly Lot[];
};

/** An epoch's rows as they were read, before its block is made of them. */
type Read = { rows: EpochRowsByKind } & Pick<EpochRows, 'scores' | 'penalties'>;

/** Follows a ledger epoch by epoch, from what was signed, and holds everything else against it. Throws a Difference. */
export class Auditor {
  readonly subnet: Uint8Array;
  /** Account, hex. */
  readonly owner: string;
  readonly receipts = new ReceiptChecks();
  readonly lots = new HeldLots();
  readonly spending = new Spending();
  readonly #keys = new PublishedKeys();
  readonly #policies = new Map<string, LedgerPolicy>();
  /** First epoch in which a punished peer may score again. */
  readonly #punishedUntil = new Map<string, number>();
  readonly #rates = new DemandedRates();
  readonly #unpaid = new UnpaidWork();
  #seats: Seats | null = null;
  /** Of the last closed epoch; null before any. */
  #policy: LedgerPolicy | null = null;
  /** The next header's, where it follows from what is public; null where one validator chose it. */
  #beacon: Uint8Array | null;
  #previous: Uint8Array = new Uint8Array(32);
  #settledThrough = -1;
  /** Epochs, proven failures, base units out. */
  epochs = 0;
  closed = 0;
  penalties = 0;
  issued = 0n;
  states: ReadonlyMap<string, Uint8Array> = new Map();
  /** The last epoch that is closed, and the receipts of the last one there is. */
  last: AuditedBlock | null = null;
  open: CheckedReceipts = { hashes: [], work: new Map() };

  constructor(subnet: Uint8Array, owner: string) {
    this.subnet = subnet;
    this.owner = owner;
    this.#beacon = firstBeacon(subnet);
  }

  /** The last epoch whose work was paid for; −1 before any. */
  get settledThrough(): number {
    return this.#settledThrough;
  }

  /** Checks the next epoch, and its block where it is closed; `isOpen`: nothing of it is final yet. */
  take(exported: ExportedEpoch, isOpen: boolean): AuditedBlock | null {
    const { epoch, rows } = exported;
    if (epoch !== this.epochs) differs(`epoch ${epoch}: expected epoch ${this.epochs}`);
    this.epochs += 1;
    const seats = this.#takeSeats(exported);
    const header = this.#openHeader(exported, seats);
    this.#keys.add(this.subnet, epoch, rows.auditKeys);
    this.open = this.#takeReceipts(epoch, rows, seats);
    const scores = scoresOfRows(rows.scores);
    const penalties = penaltiesOfRows(epoch, rows.penalties);
    if (header !== null)
      compareFields(header, {
        receipts: receiptsRoot(this.open.hashes),
        penaltiesDigest: penaltiesDigest(penalties),
        weightsDigest: weightsDigest(scores),
        operationsDigest: operationsDigest(hashesOf(rows.operations)),
      });
    const failed = this.#punish(epoch, penalties);
    this.#unpaid.add(epoch, scores, failed);
    this.spending.apply(rows.operations, { subnet: this.subnet, epoch });
    const policy = this.#policy;
    if (policy === null || isOpen) return null;
    const accepted = (peer: string, kind: string): number => this.receipts.accepted(peer, kind);
    checkScores(epoch, scores, this.open.work, { accepted, isPunished: this.#isPunishedIn(epoch) });
    const ended = this.lots.end(epoch, rows.releases, { failed, accepted, policy });
    if (header === null || exported.header === null) return null;
    const block = this.#recompute(header, seats, policy, { rows, scores, penalties, ...ended });
    this.#advance(block, exported.header, seats, rows);
    this.last = { header, signed: exported.header, seats, block, ...ended };
    return this.last;
  }

  #takeSeats({ epoch, validators }: ExportedEpoch): Seats {
    if (validators !== null) {
      const opened = openValidatorSet(validators, hexToBytes(this.owner));
      if (!opened.ok) return differs(`epoch ${epoch}: ${opened.message}`);
      const { fromEpoch, seats, subnet } = opened.value;
      if (fromEpoch !== epoch || !equalBytes(subnet, this.subnet))
        differs(`epoch ${epoch}: the validator set is that of another epoch or subnet`);
      this.#seats = { fromEpoch, seats, digest: validatorSetHash(validators) };
    }
    return this.#seats ?? differs(`epoch ${epoch}: nobody validates in it`);
  }

  /** The header of a closed epoch, and the policy that it names; null where the epoch is not closed. */
  #openHeader({ epoch, header: signed, policy }: ExportedEpoch, seats: Seats): EpochHeader | null {
    if (policy !== null) this.#takePolicy(epoch, policy);
    if (signed === null) {
      // By which policy it will close nobody has said yet: the audit floor is the node's option.
      if (this.#policy !== null) this.#rates.enter({ ...this.#policy, auditFloorPpm: 0 }, seats.seats.length);
      return null;
    }
    if (this.closed !== epoch) differs(`epoch ${epoch}: it is closed, though one before it is not`);
    const expected = { subnet: this.subnet, previous: this.#previous, beacon: this.#beacon, seats };
    const header = checkHeader(epoch, signed, expected);
    const named = this.#policies.get(toHex(header.policyDigest));
    if (named === undefined) return differs(`epoch ${epoch}: the policy that its header names is not there`);
    this.#policy = named;
    this.#rates.enter(named, seats.seats.length);
    return header;
  }

  #takePolicy(epoch: number, payload: Uint8Array): void {
    const read = readPolicy(payload);
    if (!read.ok) return differs(`epoch ${epoch}, policy: ${read.message}`);
    if (read.value.owner !== this.owner) differs(`epoch ${epoch}: the policy is that of another owner`);
    this.#policies.set(toHex(nativeSha256(payload)), read.value);
  }

  #isPunishedIn(epoch: number): (peer: string) => boolean {
    return (peer) => (this.#punishedUntil.get(peer) ?? 0) > epoch;
  }

  #takeReceipts(epoch: number, { receipts }: EpochRowsByKind, { seats }: Seats): CheckedReceipts {
    return this.receipts.check(receipts, {
      subnet: this.subnet,
      epoch,
      validators: new Set(seats.map(({ validator }) => validator)),
      keys: this.#keys,
      rates: this.#policy === null ? null : this.#rates,
      isPunished: this.#isPunishedIn(epoch),
    });
  }

  /** Those who were proven to have failed in an epoch lose their escrow and score nothing for a while. */
  #punish(epoch: number, penalties: Read['penalties']): Set<string> {
    const failed = new Set(penalties.map(({ peer }) => peer));
    for (const peer of failed) {
      this.#punishedUntil.set(peer, epoch + (this.#policy?.punishedEpochs ?? 0) + 1);
      this.#rates.forfeit(peer);
    }
    this.penalties += penalties.length;
    return failed;
  }

  #recompute(
    header: EpochHeader,
    seats: Seats,
    policy: LedgerPolicy,
    { rows, ...known }: Read & Pick<EpochRows, 'released' | 'forfeited'>,
  ): Block {
    const { epoch, beacon, slots, policyDigest } = header;
    const window = workWindow(epoch, this.#settledThrough, seats);
    const revealing = auditRevealEpoch(epoch, policy, seats);
    const auditRevealed = this.#keys.rowsOf(revealing, epoch);
    // Of several, one that is gone for good keeps its keys; one alone has nobody to be held up by.
    if (seats.seats.length === 1 && auditRevealed.some(({ audit_key }) => audit_key === null))
      differs(`epoch ${epoch}: the audit key of epoch ${revealing} is not revealed`);
    const block = computeBlock(
      this.subnet,
      {
        issued: this.issued,
        previous: this.#previous,
        settledThrough: this.#settledThrough,
        holdings: this.spending.holdings,
        held: this.lots.all,
        states: this.states,
      },
      {
        ...known,
        epoch,
        beacon,
        slots,
        seats,
        policy,
        policyDigest,
        auditRevealed,
        receiptHashes: this.open.hashes,
        paidScores: this.#unpaid.scores(window),
        failedSince: this.#unpaid.failedSince(window.to),
        auditCommitments: this.#keys.rowsOf(epoch, epoch),
        operations: hashesOf(rows.operations),
        expiredHolds: this.spending.takeExpired(epoch),
        votes: votesOfRows(rows),
      },
      header,
    );
    compareFields(header, block.header);
    return block;
  }

  #advance(block: Block, signed: AuditedBlock['signed'], seats: Seats, rows: EpochRowsByKind): void {
    const { header } = block;
    this.#previous = epochHash(signed);
    // With one validator it is its own word: nobody else has put anything into it.
    this.#beacon =
      seats.seats.length > 1
        ? beaconAfter({ ...header, seats, votes: votesOfRows(rows) }, this.subnet)
        : null;
    this.#settledThrough = block.settledThrough;
    this.#unpaid.paid(block.settledThrough);
    this.states = block.states;
    this.issued = header.totalIssued;
    this.closed += 1;
    this.spending.closed(block.holdings);
    this.lots.add(block.lots.filter(({ peer }) => !block.failed.has(peer)));
  }
}

const hashesOf = (operations: EpochRowsByKind['operations']): Uint8Array[] =>
  operations.map(([payload]) => nativeSha256(payload));
