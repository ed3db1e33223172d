import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CAP, epochReward, mechanismPart, slotReward, split } from './emission.ts';

const CREDIT = 1_000_000_000n;

describe('slot reward', () => {
  it('halves as half of what remains is issued', () => {
    const thresholds = [0n, 10_500_000n, 15_750_000n, 18_375_000n].map((credits) => credits * CREDIT);
    expect(thresholds.map(slotReward)).toEqual([CREDIT, CREDIT / 2n, CREDIT / 4n, CREDIT / 8n]);
    expect(slotReward(10_500_000n * CREDIT - 1n)).toBe(CREDIT);
  });

  it('is nothing at the cap and beyond', () => {
    expect(slotReward(CAP)).toBe(0n);
    expect(slotReward(CAP + 1n)).toBe(0n);
  });

  it('agrees with the largest k of (cap − issued) · 2^k ≤ cap at any supply', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: CAP - 1n }), (issued) => {
        const reward = slotReward(issued);
        const remaining = CAP - issued;
        const ks = Array.from({ length: 70 }, (_, k) => BigInt(k)).filter((k) => remaining << k <= CAP);
        const k = ks.at(-1) ?? 0n;
        expect(reward).toBe(CREDIT >> k > remaining ? remaining : CREDIT >> k);
      }),
    );
  });
});

describe('the whole supply', () => {
  it('ends at 20,999,999.980442226 credits and never passes the cap', () => {
    // Walks threshold to threshold instead of slot by slot: within one reward every slot is alike.
    let issued = 0n;
    for (;;) {
      const reward = slotReward(issued);
      if (reward === 0n) break;
      let low = 1n;
      let high = (CAP - issued) / reward + 1n;
      while (low < high) {
        const middle = (low + high) / 2n;
        if (slotReward(issued + middle * reward) === reward) low = middle + 1n;
        else high = middle;
      }
      issued += low * reward;
      expect(issued).toBeLessThanOrEqual(CAP);
    }
    expect(issued).toBe(20_999_999_980_442_226n);
  });
});

describe('split', () => {
  it('is 18 % to the owner and the rest half and half, to the last base unit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: CAP }), (amount) => {
        const { owner, miners, validators } = split(amount);
        expect(owner + miners + validators).toBe(amount);
        expect(miners - validators).toBeLessThanOrEqual(1n);
        expect(miners).toBeGreaterThanOrEqual(validators);
      }),
    );
    expect(split(65_535n * 2n)).toEqual({ owner: 23_592n, miners: 53_739n, validators: 53_739n });
  });

  it('gives mechanisms no more than there is', () => {
    expect(mechanismPart(999n, 100_000) + mechanismPart(999n, 600_000)).toBeLessThanOrEqual(999n);
    expect(epochReward(0n, 3)).toBe(3n * CREDIT);
    expect(epochReward(CAP, 3)).toBe(0n);
  });
});
