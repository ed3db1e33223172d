import { equalBytes } from '../../protocol/bytes.ts';
import {
  epochHash,
  isSignedBy,
  readEpoch,
  type CountersignedEpoch,
  type EpochHeader,
} from '../../protocol/epoch.ts';
import { CAP } from '../../protocol/ids.ts';
import type { SumNode } from '../../protocol/merkle.ts';
import { isQuorum } from '../../protocol/validators.ts';
import { failed, type Failed, type Signer } from './report.ts';
import type { SeatSet, SeatSets } from './seat-sets.ts';

/** The last header that held up on an earlier visit: whatever comes now has to continue it. */
export type HeaderPin = {
  epoch: number;
  /** 32 bytes. */
  hash: Uint8Array;
  /** Epoch from which its validator set is in force: an older one never comes back. */
  setFrom: number;
  atMs: number;
};

type HeaderCheck = 'owner' | 'chain' | 'quorum' | 'supply';
type Verified = { header: EpochHeader; hash: Uint8Array; signed: CountersignedEpoch; set: SeatSet | null };

export type WalkOptions = {
  /** 32 bytes. */
  subnet: Uint8Array;
  sets: SeatSets;
  pin: HeaderPin | null;
  /** The first header: 0, or with a pin any up to its epoch. */
  from: number;
  /** Epochs whose roots of receipts will be asked for. */
  wanted: ReadonlySet<number>;
  breathe: () => Promise<void>;
};

/**
 * Goes along the chain of headers, one after the other. Up to the pinned one a header is checked by its hash alone, which the next
 * one names and in the end the pin; every later one by signatures and sums too. The first failure of each check is kept; a break
 * in the chain ends the walk.
 */
export class HeaderWalk {
  readonly #options: WalkOptions;
  readonly #failures = new Map<HeaderCheck, Failed>();
  readonly #receipts = new Map<number, SumNode>();
  #next: number;
  #previous: { hash: Uint8Array; totalIssued: bigint } | null = null;
  #verified: Verified | null = null;
  checked = 0;
  linked = 0;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#next = options.from;
  }

  /** The epoch of the header that comes next. */
  get next(): number {
    return this.#next;
  }

  failure(check: HeaderCheck): Failed | null {
    return this.#failures.get(check) ?? null;
  }

  /** The last header up to which everything holds; null where there is none. */
  get verified(): Verified | null {
    return this.#verified;
  }

  /** What the next visit starts from. */
  pin(atMs: number): HeaderPin | null {
    if (this.#verified === null) return null;
    const { header, hash, set } = this.#verified;
    const setFrom = Math.max(set?.fromEpoch ?? 0, this.#options.pin?.setFrom ?? 0);
    return { epoch: header.epoch, hash, setFrom, atMs };
  }

  /** Root of the receipts of a wanted epoch, where its header holds. */
  receiptsOf(epoch: number): SumNode | null {
    const holds = this.#verified !== null && epoch <= this.#verified.header.epoch;
    return holds ? (this.#receipts.get(epoch) ?? null) : null;
  }

  /** Takes the next header; false when the chain is broken there. */
  async take(signed: CountersignedEpoch): Promise<boolean> {
    const { pin, wanted } = this.#options;
    const read = readEpoch(signed.payload);
    if (!read.ok) return this.#broken(failed('HEADER_MALFORMED', this.#next, read.message));
    const header = read.value;
    const hash = epochHash(signed);
    const broken = this.#link(header);
    if (broken !== null) return this.#broken(broken);
    if (pin !== null && header.epoch <= pin.epoch) {
      if (header.epoch === pin.epoch && !equalBytes(hash, pin.hash))
        return this.#broken(failed('HISTORY_CHANGED', pin.epoch));
      this.linked += 1;
    } else {
      await this.#check(header, signed);
      this.checked += 1;
    }
    this.#previous = { hash, totalIssued: header.totalIssued };
    this.#next += 1;
    if (wanted.has(header.epoch)) this.#receipts.set(header.epoch, header.receipts);
    const pinned = pin === null || header.epoch >= pin.epoch;
    if (pinned && this.#failures.size === 0)
      this.#verified = { header, hash, signed, set: this.#options.sets.inForce(header.epoch) };
    return true;
  }

  /** There are no more headers. A ledger that ends before the pinned one has lost something. */
  end(): void {
    const { pin } = this.#options;
    if (pin !== null && this.#next <= pin.epoch && !this.#failures.has('chain'))
      this.#broken(failed('HISTORY_SHORTER', pin.epoch));
  }

  /** Who signed the last header that holds, of those who have a seat. */
  async signers(): Promise<Signer[]> {
    if (this.#verified === null) return [];
    const { signed, set, header } = this.#verified;
    const signers: Signer[] = [];
    for (const { validator, stake } of set?.seats ?? []) {
      const own =
        validator === header.validator
          ? signed
          : signed.countersignatures.find((each) => each.validator === validator);
      const holds = own !== undefined && isSignedBy(signed.payload, own.signature, validator);
      signers.push({ validator, stake: stake.toString(), signed: holds });
      await this.#options.breathe();
    }
    return signers;
  }

  #broken(failure: Failed): false {
    this.#failures.set('chain', failure);
    return false;
  }

  #link(header: EpochHeader): Failed | null {
    if (!equalBytes(header.subnet, this.#options.subnet)) return failed('HEADER_FOREIGN', this.#next);
    if (header.epoch !== this.#next) return failed('HEADER_GAP', this.#next);
    // What comes before the first of a later epoch is no matter: the pin binds it.
    if (this.#previous === null && header.epoch > 0) return null;
    const before = this.#previous?.hash ?? new Uint8Array(32);
    return equalBytes(header.previous, before) ? null : failed('CHAIN_BROKEN', header.epoch);
  }

  async #check(header: EpochHeader, signed: CountersignedEpoch): Promise<void> {
    const { sets, pin } = this.#options;
    const { epoch } = header;
    const set = sets.inForce(epoch);
    if (set === null) this.#wrong('owner', failed('SET_MISSING', epoch));
    else if (set.fromEpoch < (pin?.setFrom ?? 0)) this.#wrong('owner', failed('SET_OLDER', epoch));
    else if (!equalBytes(set.digest, header.validatorsDigest))
      this.#wrong('owner', failed('SET_DIGEST', epoch));
    else await this.#quorum(header, signed, set);
    const before = this.#previous?.totalIssued ?? 0n;
    if (header.totalIssued !== before + header.issued) this.#wrong('supply', failed('ISSUED_DIFFERS', epoch));
    else if (header.balances.sum !== header.totalIssued) this.#wrong('supply', failed('SUM_DIFFERS', epoch));
    else if (header.totalIssued > CAP) this.#wrong('supply', failed('OVER_CAP', epoch));
  }

  /** One signature after the other, a task each, until they hold more than half of the stake. */
  async #quorum(header: EpochHeader, signed: CountersignedEpoch, { seats }: SeatSet): Promise<void> {
    const { payload, signature, countersignatures } = signed;
    const { validator: settler, epoch } = header;
    const seated = new Set<string>(seats.map(({ validator }) => validator));
    if (!seated.has(settler) || !isSignedBy(payload, signature, settler))
      return this.#wrong('quorum', failed('SETTLER_UNSIGNED', epoch, settler));
    const signers = new Set<string>([settler]);
    for (const { validator, signature: by } of countersignatures) {
      if (isQuorum(seats, signers)) break;
      if (!seated.has(validator) || signers.has(validator)) continue;
      await this.#options.breathe();
      if (isSignedBy(payload, by, validator)) signers.add(validator);
    }
    if (!isQuorum(seats, signers)) this.#wrong('quorum', failed('NO_QUORUM', epoch));
  }

  #wrong(check: HeaderCheck, failure: Failed): void {
    if (!this.#failures.has(check)) this.#failures.set(check, failure);
  }
}
