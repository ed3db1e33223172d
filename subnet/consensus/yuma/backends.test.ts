import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noEntries } from './columns.ts';
import { exactCarried } from './exact-bonds.ts';
import { exactEpoch, type ExactRow } from './exact.ts';
import { carried, fastEpoch } from './fast.ts';
import { toNumber } from './fixed.ts';
import { inputOf, networks, rules } from './network.fixture.ts';

const EPOCHS = 3;
const STEP = 2 ** -32;

/** The largest difference of two lists. */
const apart = (fast: ArrayLike<number>, exact: readonly bigint[]): number => {
  expect(fast.length).toBe(exact.length);
  return Math.max(0, ...exact.map((value, i) => Math.abs(toNumber(value) - (fast[i] ?? Number.NaN))));
};

describe('the fast backend beside its oracle', () => {
  it('agrees within what the oracle cuts, over some epochs, under any rules', () => {
    fc.assert(
      fc.property(networks(), rules(), (network, chosen) => {
        const input = inputOf(network);
        const rows = network.stake.length;
        let bonds = noEntries(input.votes.columns);
        let exactBonds: ExactRow[] = [];
        for (let epoch = 0; epoch < EPOCHS; epoch++) {
          const fast = fastEpoch(input, bonds, chosen);
          const exact = exactEpoch(input, exactBonds, chosen);
          // One quotient is cut once or twice: a row's sum of 12 weights, a column's of 8 products.
          expect(apart(fast.activeStake, exact.activeStake)).toBeLessThanOrEqual(2 * STEP * rows);
          expect(apart(fast.consensus, exact.consensus)).toBeLessThanOrEqual(2 * STEP);
          expect(apart(fast.validatorTrust, exact.validatorTrust)).toBeLessThanOrEqual(24 * STEP);
          expect(apart(fast.rank, exact.rank)).toBeLessThanOrEqual(4 * STEP * rows);
          // Normalising divides the errors by the sum of ranks.
          const ranked = fast.rank.reduce((a, b) => a + b, 0);
          const bound = ranked === 0 ? 0 : (64 * STEP * rows) / ranked;
          expect(apart(fast.incentive, exact.incentive)).toBeLessThanOrEqual(bound);
          bonds = carried(fast.bonds, chosen);
          exactBonds = exactCarried(exact.bonds, chosen);
        }
      }),
    );
  });

  it('agrees on dividends and bonds where no weight or stake is so small that the oracle cannot hold it', () => {
    fc.assert(
      fc.property(networks(2_000), rules(), (network, chosen) => {
        const input = inputOf({ ...network, stake: network.stake.map((s) => 100 + s) });
        let bonds = noEntries(input.votes.columns);
        let exactBonds: ExactRow[] = [];
        for (let epoch = 0; epoch < EPOCHS; epoch++) {
          const fast = fastEpoch(input, bonds, chosen);
          const exact = exactEpoch(input, exactBonds, chosen);
          expect(apart(fast.dividends, exact.dividends)).toBeLessThanOrEqual(2e-6);
          let entries = 0;
          for (let j = 0; j < fast.bonds.columns; j++) {
            for (let k = fast.bonds.start[j] ?? 0; k < (fast.bonds.start[j + 1] ?? 0); k++) {
              const other = exact.bonds[fast.bonds.row[k] ?? 0]?.get(j) ?? 0n;
              expect(Math.abs((fast.bonds.value[k] ?? 0) - toNumber(other))).toBeLessThanOrEqual(2e-5);
              entries += 1;
            }
          }
          const others = exact.bonds.reduce((sum, row) => sum + row.size, 0);
          expect(entries).toBe(others);
          bonds = carried(fast.bonds, chosen);
          exactBonds = exactCarried(exact.bonds, chosen);
        }
      }),
    );
  });
});
