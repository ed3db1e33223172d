import { MAX_UNDER_WAY } from '../../protocol/limits.ts';
import { auditRate, type RatePolicy } from '../trust/audit-rate.ts';
import type { VestingPolicy } from './lots.ts';

type Unit = { work: bigint; epoch: number };
type Escrow = {
  /** Unvested units, oldest first. */
  units: Unit[];
  sum: bigint;
  /** What was in escrow after each of the last MAX_UNDER_WAY units. */
  recent: bigint[];
};

type Policy = RatePolicy & VestingPolicy;

/**
 * The audit rates that a ledger's own receipts demand. A coin is tossed some way before its receipt is written: each validator
 * judges up to MAX_UNDER_WAY results of a peer at a time, so the most that was in escrow over as many units bounds the rate
 * from below. Suspicion and partial audits (d < 1) raise it further and are in no receipt: more than is demanded is no
 * difference.
 */
export class DemandedRates {
  /** Of the epoch, and of the one before: a coin may be tossed in one and its receipt be of the next. */
  #policies: Policy[] = [];
  #underWay = MAX_UNDER_WAY;
  /** By `peer kind`. */
  readonly #escrows = new Map<string, Escrow>();

  /** What follows is of an epoch of this policy and of so many validators. */
  enter(policy: Policy, validators: number): void {
    this.#policies = [policy, ...this.#policies.slice(0, 1)];
    this.#underWay = MAX_UNDER_WAY * validators;
  }

  /** The least threshold P (32 bytes, big-endian) of the next unit of `peer` in `kind`. */
  least(peer: string, kind: string, work: bigint): Uint8Array {
    const { recent } = this.#of(peer, kind);
    const most = recent.reduce((largest, sum) => (sum > largest ? sum : largest), 0n);
    return this.#policies
      .map((policy) => auditRate(policy, work, most).threshold)
      .reduce((least, other) => (Buffer.compare(other, least) < 0 ? other : least));
  }

  /** Counts an accepted unit; what is done while punished is no escrow. */
  accepted(peer: string, kind: string, unit: Unit, punished: boolean): void {
    const escrow = this.#of(peer, kind);
    const [policy] = this.#policies;
    if (policy === undefined) throw new Error('rates: no epoch was entered');
    const { vestingTasks, vestingEpochs } = policy;
    if (!punished) {
      escrow.units.push(unit);
      escrow.sum += unit.work;
    }
    for (let [oldest] = escrow.units; oldest !== undefined; [oldest] = escrow.units) {
      if (escrow.units.length <= vestingTasks && oldest.epoch > unit.epoch - vestingEpochs) break;
      escrow.sum -= oldest.work;
      escrow.units.shift();
    }
    escrow.recent.push(escrow.sum);
    while (escrow.recent.length > this.#underWay) escrow.recent.shift();
  }

  /** A failure of the peer was proven in the epoch that ends: all of its escrow is lost. */
  forfeit(peer: string): void {
    for (const [key, escrow] of this.#escrows)
      if (key.startsWith(`${peer} `)) [escrow.units, escrow.sum] = [[], 0n];
  }

  #of(peer: string, kind: string): Escrow {
    const key = `${peer} ${kind}`;
    const known = this.#escrows.get(key);
    if (known !== undefined) return known;
    const fresh: Escrow = { units: [], sum: 0n, recent: [] };
    this.#escrows.set(key, fresh);
    return fresh;
  }
}
