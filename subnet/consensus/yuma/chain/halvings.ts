import { CAP, slotReward } from '../../../ledger/emission.ts';

/** A stretch of slots with the same reward. Amounts in base units. */
export type Era = {
  /** How often the reward has halved. */
  halvings: number;
  reward: bigint;
  /** Issued when the first slot of this reward is paid. */
  issued: bigint;
  /** What has to be issued for the next halving; the last era ends where the reward would be less than a base unit. */
  threshold: bigint;
  slots: bigint;
  /** Slots before it. */
  start: bigint;
};

/**
 * The whole emission, era by era, if every slot is paid in full: by arithmetic, since within an era every slot is alike. A
 * halving is due once half of what then remained is issued, and the slot that passes a threshold is still paid in full.
 */
export function halvings(): Era[] {
  const eras: Era[] = [];
  let issued = 0n;
  let start = 0n;
  for (let k = 0; ; k++) {
    const reward = slotReward(issued);
    if (reward === 0n) return eras;
    const threshold = CAP - (CAP >> BigInt(k + 1));
    const slots = (threshold - issued + reward - 1n) / reward;
    eras.push({ halvings: k, reward, issued, threshold, slots, start });
    issued += slots * reward;
    start += slots;
  }
}

/** What is issued in the end. */
export const finalSupply = (): bigint =>
  halvings().reduce((issued, { reward, slots }) => issued + reward * slots, 0n);
