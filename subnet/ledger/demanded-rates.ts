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

/**
 * The audit rates that a ledger's own receipts demand. A coin is tossed some way before its receipt is written: up to
 * MAX_UNDER_WAY results of a peer may be judged at a time, so the most that was in escrow over as many units bounds the rate
 * from below. Suspicion and partial audits (d < 1) raise it further and are in no receipt: more than is demanded is no
 * difference.
 */
export class DemandedRates {
  readonly #policy: RatePolicy & VestingPolicy;
  /** By `peer kind`. */
  readonly #escrows = new Map<string, Escrow>();

  constructor(policy: RatePolicy & VestingPolicy) {
    this.#policy = policy;
  }

  /** The least threshold P (32 bytes, big-endian) of the next unit of `peer` in `kind`. */
  least(peer: string, kind: string, work: bigint): Uint8Array {
    const { recent } = this.#of(peer, kind);
    return auditRate(
      this.#policy,
      work,
      recent.reduce((most, sum) => (sum > most ? sum : most), 0n),
    ).threshold;
  }

  /** Counts an accepted unit; what is done while punished is no escrow. */
  accepted(peer: string, kind: string, unit: Unit, punished: boolean): void {
    const escrow = this.#of(peer, kind);
    const { vestingTasks, vestingEpochs } = this.#policy;
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
    if (escrow.recent.length > MAX_UNDER_WAY) escrow.recent.shift();
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
