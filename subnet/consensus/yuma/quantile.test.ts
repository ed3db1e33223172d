import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactMedian } from './exact.ts';
import { fromNumber, fromU16, toNumber } from './fixed.ts';
import { neededStake, quantile, wholeStakes } from './quantile.ts';

/** Straight from the definition: the largest value that enough stake reaches. */
const byDefinition = (values: readonly number[], stakes: readonly number[], needed: number): number =>
  Math.max(
    0,
    ...values.filter(
      (v) => stakes.reduce((sum, s, i) => ((values[i] ?? 0) >= v ? sum + s : sum), 0) >= needed,
    ),
  );

const votes = fc.array(
  fc.record({ value: fc.integer({ min: 0, max: 20 }), stake: fc.integer({ min: 1, max: 200 }) }),
  { minLength: 1, maxLength: 64 },
);

describe('quantile', () => {
  it('is the largest value that the needed stake reaches, in whatever order votes come', () => {
    fc.assert(
      fc.property(votes, fc.integer({ min: 1, max: 65_535 }), fc.integer(), (given, kappa, turn) => {
        const values = given.map(({ value }) => value);
        const { stake, total } = wholeStakes(given.map((vote) => BigInt(vote.stake)));
        const needed = neededStake(total, kappa);
        const want = byDefinition(values, [...stake], needed);
        const by = Math.abs(turn) % given.length;
        const order = given.map((_, i) => (i + by) % given.length);
        expect(quantile(Float64Array.from(values), stake.slice(), given.length, needed)).toBe(want);
        const turned = Float64Array.from(order, (i) => values[i] ?? 0);
        const turnedStake = Float64Array.from(order, (i) => stake[i] ?? 0);
        expect(quantile(turned, turnedStake, given.length, needed)).toBe(want);
      }),
    );
  });

  it('agrees with the oracle where stake is not at the edge of kappa', () => {
    fc.assert(
      fc.property(votes, (given) => {
        const values = given.map(({ value }) => value / 32);
        const { stake, total } = wholeStakes(given.map((vote) => BigInt(vote.stake)));
        // Totals are below 12,800, so that no part of them comes closer to kappa than 7e-6: far more than the oracle's step.
        const fast = quantile(
          Float64Array.from(values),
          stake.slice(),
          given.length,
          neededStake(total, 32_767),
        );
        const exact = exactMedian(
          given.map((vote) => BigInt(vote.stake) << 32n),
          values.map(fromNumber),
          fromU16(32_767),
        );
        expect(fast).toBe(toNumber(exact));
      }),
    );
  });

  it('is the higher of two values with exactly half of the stake each', () => {
    const { stake, total } = wholeStakes([7n, 7n]);
    expect(quantile(Float64Array.of(0.25, 0.75), stake, 2, neededStake(total, 32_767))).toBe(0.75);
  });

  it('counts stakes beyond 2^53 exactly enough, and sums them exactly', () => {
    const supply = 21_000_000_000_000_000n;
    const { stake, total } = wholeStakes([supply / 2n, supply / 2n - 1n, 1n]);
    expect(stake.reduce((a, b) => a + b, 0)).toBe(total);
    expect(total).toBeLessThan(2 ** 52);
    expect(neededStake(total, 65_535)).toBe(total);
  });
});
