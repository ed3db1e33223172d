import { asBaseUnits, BASE_UNITS_PER_CREDIT, CAP, type BaseUnits } from '../../protocol/ids.ts';

export { CAP };
/** One credit per 12 s slot before the first halving. */
const FIRST_REWARD = BASE_UNITS_PER_CREDIT;
/** The owner's cut of the emission, of 65,535; the rest goes half to miners and half to validators. */
const OWNER_CUT = 11_796n;
const OWNER_WHOLE = 65_535n;
const PPM = 1_000_000n;

/**
 * Reward of one slot when `issued` base units are out: `10^9 >> k` with the largest k for which
 * `(cap − issued) · 2^k ≤ cap`. Halves as half of what remains is issued; 0 at the cap.
 */
export function slotReward(issued: bigint): BaseUnits {
  const remaining = CAP - issued;
  if (remaining <= 0n) return asBaseUnits(0n);
  let k = 0n;
  while (remaining << (k + 1n) <= CAP) k += 1n;
  const reward = FIRST_REWARD >> k;
  return asBaseUnits(reward < remaining ? reward : remaining);
}

/** What `slots` slots in a row may issue at most. */
export function epochReward(issued: bigint, slots: number): BaseUnits {
  let total = 0n;
  for (let i = 0; i < slots; i++) total += slotReward(issued + total);
  return asBaseUnits(total);
}

export type Split = { owner: BaseUnits; miners: BaseUnits; validators: BaseUnits };

/** A mechanism's part of the emission, by its share in parts per million. Rounded down; nothing is issued twice. */
export const mechanismPart = (reward: bigint, ppm: number): BaseUnits =>
  asBaseUnits((reward * BigInt(ppm)) / PPM);

/** Owner 18 %, then miners and validators alike; an odd base unit goes to the miners. */
export function split(amount: bigint): Split {
  const owner = (amount * OWNER_CUT) / OWNER_WHOLE;
  const rest = amount - owner;
  const validators = rest / 2n;
  return {
    owner: asBaseUnits(owner),
    miners: asBaseUnits(rest - validators),
    validators: asBaseUnits(validators),
  };
}
