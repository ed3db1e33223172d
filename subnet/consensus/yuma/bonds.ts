import { sigmoid } from './exp.ts';
import { U16_ONE, type YumaRules } from './rules.ts';

/** Smaller bonds are nothing: the finest step of the exact backend, so that old bonds do not linger for ever. */
export const LEAST_BOND = 1 / 4_294_967_296;

/** Where bonds get their speed from, on doubles. */
export type Speed = {
  /** Of a pair: the weight its bond moves to, its old bond, the column's consensus. */
  of: (target: number, bond: number, consensus: number) => number;
};

/** One speed for all (yuma.md 10b, fixed alpha). */
export const fixedSpeed = (rules: Pick<YumaRules, 'bondsMovingAveragePpm'>): Speed => {
  const alpha = 1 - rules.bondsMovingAveragePpm / 1_000_000;
  return { of: () => alpha };
};

/** Liquid alpha: faster the further a vote is above consensus while buying, or a bond above its vote while selling. */
export function liquidSpeed(liquid: NonNullable<YumaRules['liquidAlpha']>): Speed {
  const low = liquid.low / U16_ONE;
  const high = liquid.high / U16_ONE;
  const steepness = liquid.steepness / 100;
  return {
    of: (target, bond, consensus) => {
      const distance = unit(target >= bond ? target - consensus : bond - target);
      const alpha = low + (high - low) * sigmoid(distance, steepness, 0.5);
      return Math.min(high, Math.max(low, alpha));
    },
  };
}

/** One step of the moving average, within 0 and 1. */
export const averaged = (old: number, target: number, alpha: number): number =>
  unit((1 - alpha) * old + alpha * target);

/** What bonds move to: the submitted weight drawn towards the clipped one by `penalty` (0 to 1). */
export const drawn = (weight: number, clipped: number, penalty: number): number =>
  penalty === 1 ? clipped : weight + penalty * (clipped - weight);

const unit = (x: number): number => Math.min(1, Math.max(0, x));

/**
 * A bond as the reference stores it, in units of 1 / 65,535. Its fixed point comes out just below what a double holds, so
 * that a bond that is exactly so many units loses one; a step of 2^-32 is taken off first to lose it here too.
 */
export const storedBond = (bond: number): number =>
  bond >= 1 ? U16_ONE : Math.max(0, Math.floor((bond - LEAST_BOND) * U16_ONE));
