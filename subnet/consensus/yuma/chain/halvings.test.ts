import { describe, expect, it } from 'vitest';
import { CAP, slotReward } from '../../../ledger/emission.ts';
import { finalSupply, halvings } from './halvings.ts';

/** Slots that are paid one by one on either side of a threshold. */
const STEPS = 50n;

describe('the whole supply', () => {
  it('pays slot by slot around each threshold what the arithmetic says', () => {
    let issued = 0n;
    for (const era of halvings()) {
      expect(era.issued).toBe(issued);
      expect(slotReward(issued)).toBe(era.reward);
      // Jump to just before the threshold: the reward there is still the same, so it was all the way.
      issued += (era.slots - STEPS) * era.reward;
      for (let i = 0n; i < STEPS; i++) {
        expect(slotReward(issued)).toBe(era.reward);
        expect(issued).toBeLessThan(era.threshold);
        issued += era.reward;
      }
      expect(issued).toBeGreaterThanOrEqual(era.threshold);
      expect(issued - era.threshold).toBeLessThan(era.reward);
      let after = issued;
      for (let i = 0n; i < STEPS; i++) {
        const reward = slotReward(after);
        expect(reward).toBe(1_000_000_000n >> BigInt(era.halvings + 1));
        after += reward;
      }
    }
    expect(slotReward(issued)).toBe(0n);
    expect(issued).toBe(20_999_999_980_442_226n);
    expect(finalSupply()).toBe(issued);
    expect(issued).toBeLessThan(CAP);
  });

  it('halves where half of what remained is issued: 10.5, 15.75, 18.375 million', () => {
    const thresholds = halvings().map(({ threshold }) => threshold / 1_000_000_000n);
    expect(thresholds.slice(0, 5)).toEqual([10_500_000n, 15_750_000n, 18_375_000n, 19_687_500n, 20_343_750n]);
    expect(halvings()).toHaveLength(30);
  });
});
