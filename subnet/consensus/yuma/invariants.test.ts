import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SHARE_ONE } from '../consensus.ts';
import { noEntries } from './columns.ts';
import { fastEpoch, type YumaResult } from './fast.ts';
import { inputOf, networks, rules, type Network } from './network.fixture.ts';
import { U16_ONE, YUMA_RULES } from './rules.ts';
import { emissionParts, sharesOf } from './shares.ts';
import { maxUpscale } from './votes.ts';

const epochOf = (network: Network, chosen = YUMA_RULES): YumaResult => {
  const input = inputOf(network);
  return fastEpoch(input, noEntries(input.votes.columns), chosen);
};
const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
const total = (shares: BigInt64Array): bigint => shares.reduce((a, b) => a + b, 0n);

describe('an epoch', () => {
  it('gives out at most everything, and nearly everything', () => {
    fc.assert(
      fc.property(networks(), rules(), (network, chosen) => {
        const shares = sharesOf(epochOf(network, chosen));
        if (shares === null) return;
        for (const side of [shares.miners, shares.validators]) {
          expect(total(side)).toBeLessThanOrEqual(SHARE_ONE);
          expect(side.every((share) => share >= 0n)).toBe(true);
          const lost = SHARE_ONE - total(side);
          expect(total(side) === 0n || lost < BigInt(side.length)).toBe(true);
        }
      }),
    );
  });

  it('has whole shares that are its scores', () => {
    fc.assert(
      fc.property(networks(), rules(), (network, chosen) => {
        const result = epochOf(network, chosen);
        const shares = sharesOf(result);
        const paid = [...(shares?.miners ?? []), ...(shares?.validators ?? [])];
        const scores = shares === null ? [] : [...result.incentive, ...result.dividends];
        expect(paid).toHaveLength(scores.length);
        // Cut once as units of 2^-52, once as parts of 2^48.
        scores.forEach((score, i) => {
          expect(Math.abs(Number(paid[i]) - score * Number(SHARE_ONE))).toBeLessThan(3);
        });
      }),
    );
  });

  it('gives the same bits every time', () => {
    fc.assert(
      fc.property(networks(), rules(), (network, chosen) => {
        expect(epochOf(structuredClone(network), chosen)).toEqual(epochOf(network, chosen));
      }),
    );
  });

  it('does not depend on who comes first, but for the last bits of sums', () => {
    fc.assert(
      fc.property(networks(), fc.nat(), (network, turn) => {
        const turned = <T>(list: readonly T[]): T[] => {
          const by = turn % Math.max(1, list.length);
          return [...list.slice(by), ...list.slice(0, by)];
        };
        const one = epochOf(network);
        const other = epochOf({ stake: turned(network.stake), votes: turned(network.votes).map(turned) });
        expect([...other.consensus]).toEqual(turned([...one.consensus]));
        turned([...one.incentive]).forEach((x, j) => {
          expect(Math.abs((other.incentive[j] ?? 0) - x)).toBeLessThan(1e-14);
        });
        turned([...one.dividends]).forEach((x, i) => {
          expect(Math.abs((other.dividends[i] ?? 0) - x)).toBeLessThan(1e-13);
        });
      }),
    );
  });

  it('leaves a column for which less than kappa of the stake votes without anything', () => {
    fc.assert(
      fc.property(networks(), (network) => {
        const { consensus, incentive } = epochOf(network);
        const stake = network.stake.reduce((a, b) => a + b, 0);
        consensus.forEach((c, j) => {
          const behind = network.stake.filter((_, i) => (network.votes[i]?.[j] ?? 0) > 0);
          if (behind.reduce((a, b) => a + b, 0) * U16_ONE >= stake * YUMA_RULES.kappa) return;
          expect(c).toBe(0);
          expect(incentive[j]).toBe(0);
        });
      }),
    );
  });

  it('pays nothing without a usable vote; with the reference’s fallback the stake', () => {
    const idle: Network = { stake: [10, 30, 60], votes: [[null], [null], [null]] };
    const result = epochOf(idle);
    expect(sharesOf(result)).toBeNull();
    expect(sum(emissionParts(result, YUMA_RULES).validators)).toBe(0);
    const reference = { ...YUMA_RULES.reference, idleStakeFallback: true };
    expect([...emissionParts(result, { ...YUMA_RULES, reference }).validators]).toEqual([0.1, 0.3, 0.6]);
  });
});

describe('additive work', () => {
  const works = fc.array(fc.bigInt({ min: 1n, max: 10n ** 12n }), { minLength: 1, maxLength: 10 });

  it('is worth no more on two accounts than on one, when everybody sees it', () => {
    fc.assert(
      fc.property(works, fc.nat({ max: 100 }), (work, percent) => {
        const first = work[0] ?? 0n;
        const part = (first * BigInt(percent)) / 100n;
        const split = [part, first - part, ...work.slice(1)];
        // 100 validators' worth of stake behind the same evidence; weights as exact as they are submitted.
        const share = (of: readonly bigint[]): number => {
          const row = maxUpscale(of);
          const { incentive } = epochOf({ stake: [3, 2, 2], votes: [row, row, row] });
          return incentive[0] ?? 0;
        };
        const splitShare = (): number => {
          const row = maxUpscale(split);
          const { incentive } = epochOf({ stake: [3, 2, 2], votes: [row, row, row] });
          return (incentive[0] ?? 0) + (incentive[1] ?? 0);
        };
        // Rounding of a weight is half of 1 / 65,535 of the largest; each of at most 12 columns may gain one.
        expect(Math.abs(splitShare() - share(work))).toBeLessThanOrEqual(12 / U16_ONE);
      }),
    );
  });

  it('adds up exactly where the submitted weights do', () => {
    const merged = epochOf({
      stake: [1, 1],
      votes: [
        [600, 400],
        [600, 400],
      ],
    });
    const split = epochOf({
      stake: [1, 1],
      votes: [
        [450, 150, 400],
        [450, 150, 400],
      ],
    });
    expect((split.incentive[0] ?? 0) + (split.incentive[1] ?? 0)).toBeCloseTo(merged.incentive[0] ?? 0, 15);
    expect(split.incentive[2]).toBeCloseTo(merged.incentive[1] ?? 0, 15);
  });
});

describe('who decides', () => {
  /** A majority votes honestly on 8 accounts; a minority puts everything on one of its own. */
  const contest = (minority: number): YumaResult =>
    epochOf({
      stake: [100 - minority, minority],
      votes: [
        [100, 100, 100, 100, 100, 100, 100, 100, 0],
        [null, null, null, null, null, null, null, null, 100],
      ],
    });

  it('is a united majority: only what it votes for is paid, and it earns its part of the stake at least', () => {
    fc.assert(
      fc.property(networks(), fc.integer({ min: 1, max: 3 }), (network, version) => {
        const minority = network.stake.reduce((a, b) => a + b, 0);
        const united = (network.votes[0] ?? []).map((w, j) => (j === 0 ? U16_ONE : w));
        const major = minority + 1;
        const { incentive, dividends } = epochOf(
          { stake: [major, ...network.stake], votes: [united, ...network.votes] },
          { ...YUMA_RULES, version: version === 2 ? 2 : 3 },
        );
        const unwanted = [...incentive].filter((_, j) => (united[j] ?? 0) === 0);
        expect(unwanted.every((score) => score === 0)).toBe(true);
        expect(sum(incentive)).toBeCloseTo(1, 12);
        expect(dividends[0]).toBeGreaterThanOrEqual(major / (major + minority) - 1e-12);
      }),
    );
  });

  it('is a majority of the stake: what a minority alone votes for gets nothing', () => {
    expect(contest(49).incentive[8]).toBe(0);
    expect(contest(10).dividends[1]).toBe(0);
  });

  it('is a majority also when it has no use: from 51 % on it takes all', () => {
    const { incentive, dividends } = contest(51);
    expect(incentive[8]).toBe(1);
    expect(dividends[1]).toBe(1);
  });
});
