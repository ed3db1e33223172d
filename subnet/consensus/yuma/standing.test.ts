import { describe, expect, it } from 'vitest';
import { noEntries } from './columns.ts';
import { fastEpoch, type YumaResult } from './fast.ts';
import { inputOf } from './network.fixture.ts';
import { YUMA_RULES, type YumaRules } from './rules.ts';
import type { YumaInput } from './votes.ts';

/** Two validators with uids of their own, and two servers, on which both vote alike. */
const network: YumaInput = {
  ...inputOf({
    stake: [50, 50, 0, 0],
    votes: [
      [30, null, 50, 50],
      [null, 30, 50, 50],
      [null, null, null, null],
      [null, null, null, null],
    ],
  }),
  self: [0, 1, 2, 3],
};

const epoch = (changes: Partial<YumaInput>, rules: Partial<YumaRules> = {}): YumaResult =>
  fastEpoch({ ...network, ...changes }, noEntries(4), { ...YUMA_RULES, ...rules });

describe('who has a voice', () => {
  it('both halves: servers share evenly, a vote for oneself is dropped', () => {
    const { incentive, consensus, dividends } = epoch({});
    expect([...consensus]).toEqual([0, 0, 0.5, 0.5]);
    expect([...incentive]).toEqual([0, 0, 0.5, 0.5]);
    expect([...dividends]).toEqual([0.5, 0.5, 0, 0]);
  });

  it('the owner may vote for itself, and votes without a permit', () => {
    const { incentive } = epoch({ owner: 0, permits: [false, false, false, false] });
    expect(incentive[0]).toBeCloseTo(30 / 130, 12);
  });

  it('nobody without a permit', () => {
    const { activeStake, validatorTrust } = epoch({ permits: [true, false, true, true] });
    expect([...activeStake]).toEqual([1, 0, 0, 0]);
    expect(validatorTrust[1]).toBe(0);
  });

  it('nobody who has not voted within the cutoff, to the block', () => {
    const lastUpdate = [10, 4, 10, 10];
    expect(epoch({ lastUpdate }, { activityCutoff: 6 }).activeStake[1]).toBe(0.5);
    expect(epoch({ lastUpdate }, { activityCutoff: 5 }).activeStake[1]).toBe(0);
  });

  it('nobody below the threshold, but the owner', () => {
    const stake = [50n, 9n, 0n, 0n];
    expect(epoch({ stake }, { stakeThreshold: 10n }).activeStake[1]).toBe(0);
    expect(epoch({ stake, owner: 1 }, { stakeThreshold: 10n }).activeStake[1]).toBeCloseTo(9 / 59, 15);
    expect(epoch({ stake }, { stakeThreshold: 9n }).activeStake[1]).toBeCloseTo(9 / 59, 15);
  });
});

describe('which votes count', () => {
  it('none that is as old as who holds the column, or older', () => {
    const registered = [0, 0, 10, 0];
    expect([...epoch({ registered }).incentive]).toEqual([0, 0, 0, 1]);
    expect(epoch({ registered, block: 11, lastUpdate: [11, 11, 0, 0] }).incentive[2]).toBe(0.5);
  });

  it('none that was committed before the holder came', () => {
    const registered = [0, 0, 5, 0];
    expect(epoch({ registered, commitBlock: [4, 4, 4, 4] }).incentive[2]).toBe(0);
    expect(epoch({ registered, commitBlock: [5, 5, 5, 5] }).incentive[2]).toBe(0.5);
    expect(epoch({ registered, commitBlock: null }).incentive[2]).toBe(0.5);
  });
});

describe('permits of the next epoch', () => {
  it('go to the largest stakes, of equal ones to the later, and to the owner', () => {
    expect(epoch({}, { maxValidators: 1 }).permits).toEqual([false, true, false, false]);
    expect(epoch({ owner: 3 }, { maxValidators: 1 }).permits).toEqual([false, true, false, true]);
    expect(epoch({}, { maxValidators: 4 }).permits).toEqual([true, true, false, false]);
  });

  it('take the bonds along when they are lost', () => {
    const { bonds } = epoch({}, { maxValidators: 1 });
    expect(new Set(bonds.row)).toEqual(new Set([1]));
  });
});

describe('bonds', () => {
  it('with a column that changed hands are gone', () => {
    const first = epoch({});
    const later = {
      ...network,
      block: 11,
      lastUpdate: [11, 11, 11, 11],
      bondsSince: 10,
      registered: [0, 0, 10, 0],
    };
    const { bonds } = fastEpoch(later, first.bonds, YUMA_RULES);
    const column = (j: number): Float64Array => bonds.value.slice(bonds.start[j], bonds.start[j + 1]);
    // A tenth of the way to a half, from nothing and from the bond there was.
    column(2).forEach((bond) => expect(bond).toBeCloseTo(0.05, 12));
    column(3).forEach((bond) => expect(bond).toBeCloseTo(0.095, 12));
    expect(column(2)).toHaveLength(2);
  });

  it('smaller than a step of the oracle end', () => {
    const silent = { ...network, votes: { ...network.votes, weight: network.votes.weight.map(() => 0) } };
    let { bonds } = epoch({});
    for (let i = 0; i < 250; i++) ({ bonds } = fastEpoch(silent, bonds, YUMA_RULES));
    expect(bonds.row).toHaveLength(0);
  });
});
