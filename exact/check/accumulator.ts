import { COARSEST, gridOf, type Range } from './type.ts';

/**
 * What one channel of a linear operator sums. Float64 holds each product exactly (two factors below 2^24 steps each), and the
 * running sums until they pass 2^53 steps; beyond, rounding never brings a sum of one sign back below 2^24.
 */
export class Accumulator {
  #positive = 0;
  #negative = 0;
  #fraction = COARSEST;
  /** The most that a weight of an input that is always 0 makes of one step of it. */
  #idle = 0;

  /** Adds weight · x for x in the range, or for x = 0 where the term is left out (padding). */
  weigh(weight: number, { low, high, fraction }: Range): void {
    // Also for a range of only 0: its products are 0.
    if (weight === 0) return;
    // Such weights must not grow without bound either: a runtime folds factors into them, and infinity times 0 is no number.
    if (low === 0 && high === 0) this.#idle = Math.max(this.#idle, Math.abs(weight) * 2 ** -fraction);
    const [a, b] = [weight * low, weight * high];
    this.#positive += Math.max(0, a, b);
    this.#negative += Math.min(0, a, b);
    this.#fraction = Math.max(this.#fraction, fraction + gridOf(weight));
  }

  /** Adds `times` products of two activations. */
  multiply(a: Range, b: Range, times: number): void {
    const products = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
    this.#positive += times * Math.max(0, ...products);
    this.#negative += times * Math.min(0, ...products);
    this.#fraction = Math.max(this.#fraction, a.fraction + b.fraction);
  }

  /**
   * The bias may come first, last or in between, so it counts towards the side that its sign is on, and subsets may lack it;
   * the full sum has it.
   */
  finish(bias = 0): Range {
    return {
      low: this.#negative + bias,
      high: this.#positive + bias,
      fraction: Math.max(this.#fraction, gridOf(bias)),
      positive: Math.max(this.#positive + Math.max(0, bias), this.#idle),
      negative: this.#negative + Math.min(0, bias),
    };
  }
}
