import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALL, auditRate, certainly } from './audit-rate.ts';
import { betaCdf } from './beta.ts';
import { LATENCY_ONE, latencyMark, nextLatency } from './latency.ts';
import { PASS_ONE, passWeight } from './pass-weight.ts';
import { MAX_FAILED, MAX_PASSED, quality, QUALITY_ONE } from './quality.ts';
import { SCORE_ONE, scoreOf } from './score.ts';
import { isProven, POINTS, pushAudit, WINDOW, type Points } from './windowed.ts';

const policy = { auditKappa: 3, auditFloorPpm: 10_000 };
const numberOf = (threshold: Uint8Array): bigint => BigInt(`0x${Buffer.from(threshold).toString('hex')}`);

describe('audit rate', () => {
  it('is certain for a newcomer, and 3 in 201 for a steady tab', () => {
    expect(auditRate(policy, 1000n, 0n)).toEqual(certainly());
    expect(certainly().ppm).toBe(1_000_000);
    expect(auditRate(policy, 1000n, 200_000n).ppm).toBe(14_925);
  });

  it('never falls below the floor, and rises for units that are worth more than what is at stake', () => {
    expect(auditRate(policy, 1n, 10n ** 18n).ppm).toBe(10_000);
    expect(auditRate(policy, 100_000n, 200_000n)).toEqual(certainly());
  });

  it('is κ · s / (d · (s + E)) to the last bit, for any work, escrow and detection', () => {
    const amounts = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
    const ppm = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(amounts, amounts, ppm, (work, escrow, detection) => {
        const rate = auditRate({ auditKappa: 3, auditFloorPpm: 0 }, work, escrow, detection);
        const p = numberOf(rate.threshold);
        const whole = BigInt(detection) * (work + escrow);
        const exact = work === 0n ? 0n : whole === 0n ? ALL : (ALL * 3_000_000n * work) / whole;
        expect(p).toBe(exact < ALL ? exact : ALL);
        // What is gained by a cheat is outweighed by what it loses on average: p · d · E ≥ s wherever p < 1.
        expect(p === ALL || (p + 1n) * whole >= 3_000_000n * work * ALL).toBe(true);
      }),
    );
  });

  it('is twice as high where an audit finds out a cheat every other time', () => {
    expect(auditRate(policy, 1000n, 200_000n, 500_000).ppm).toBe(29_851);
    expect(auditRate(policy, 1000n, 200_000n, 0)).toEqual(certainly());
  });
});

describe('quality', () => {
  // scipy.stats.beta.ppf(0.05, passed + 0.5, failed + 0.5)
  it.each([
    [0, 0, 0.00615583],
    [1, 0, 0.22851981],
    [10, 0, 0.82922689],
    [64, 0, 0.9705483],
    [255, 0, 0.99250335],
    [50, 1, 0.925893202],
  ])('after %i passed and %i failed audits is %f', (passed, failed, expected) => {
    expect(Math.abs(quality(passed, failed) / QUALITY_ONE - expected)).toBeLessThan(1.1e-6);
  });

  it('is the 5 % quantile everywhere in the table', () => {
    for (let failed = 0; failed <= MAX_FAILED; failed++) {
      for (let passed = 0; passed <= MAX_PASSED; passed++) {
        const q = quality(passed, failed) / QUALITY_ONE;
        const [a, b] = [passed + 0.5, failed + 0.5];
        expect(betaCdf(q, a, b)).toBeLessThanOrEqual(0.05 + 1e-9);
        expect(betaCdf(q + 1 / QUALITY_ONE, a, b)).toBeGreaterThan(0.05 - 1e-9);
      }
    }
  });

  it('beyond the table is never more than the exact quantile, and never throws', () => {
    const counts = fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: 1_000 }));
    fc.assert(
      fc.property(counts, ([passed, failed]) => {
        const q = quality(passed, failed) / QUALITY_ONE;
        expect(betaCdf(q, passed + 0.5, failed + 0.5)).toBeLessThanOrEqual(0.05 + 1e-9);
      }),
    );
  });

  it('falls with every failure and rises with every pass', () => {
    expect(quality(20, 1)).toBeLessThan(quality(20, 0));
    expect(quality(21, 1)).toBeGreaterThan(quality(20, 1));
    expect(() => quality(-1, 0)).toThrow(RangeError);
    expect(() => quality(0.5, 0)).toThrow(RangeError);
  });
});

describe('what a passed audit counts', () => {
  it('is a whole one for an account with one tab, however it is drawn', () => {
    for (const escrow of [0n, 5_000n, 200_000n]) {
      const { ppm } = auditRate(policy, 1000n, escrow);
      expect(passWeight(policy, 1000n, escrow, ppm)).toBe(PASS_ONE);
    }
  });

  it('gives an account the same passes for the same work, split over tabs or not', () => {
    // Expected passes of n units of one tab among `tabs` that take turns: the sum of p · weight.
    const expected = (tabs: number): number => {
      let passes = 0;
      for (let unit = 0; unit < 150; unit++) {
        const own = BigInt(Math.floor(unit / tabs)) * 1000n;
        const { ppm } = auditRate(policy, 1000n, own);
        passes += (ppm * passWeight(policy, 1000n, BigInt(unit) * 1000n, ppm)) / 1e6 / PASS_ONE;
      }
      return passes;
    };
    expect(expected(10)).toBeGreaterThan(0.9 * expected(1));
    expect(expected(10)).toBeLessThanOrEqual(1.0001 * expected(1));
  });
});

describe('latency factor', () => {
  it('marks an answer by its deadline', () => {
    expect([latencyMark(10, 100), latencyMark(50, 100), latencyMark(51, 100), latencyMark(101, 100)]).toEqual(
      [LATENCY_ONE, LATENCY_ONE, LATENCY_ONE / 2, 0],
    );
  });

  it('falls with missed deadlines and comes back whole', () => {
    let factor = nextLatency(LATENCY_ONE, 0);
    expect(factor).toBe(LATENCY_ONE - LATENCY_ONE / 32);
    for (let i = 0; i < 1_000; i++) factor = nextLatency(factor, LATENCY_ONE);
    expect(factor).toBe(LATENCY_ONE);
    for (let i = 0; i < 1_000; i++) factor = nextLatency(factor, 0);
    expect(factor).toBe(0);
  });
});

describe('windowed rule', () => {
  const after = (...points: Points[]): string => points.reduce(pushAudit, '');

  it('takes four slight failures, two gross ones, or two slight and a gross one', () => {
    const { slight, gross } = POINTS;
    expect(isProven(after(slight, slight, slight))).toBe(false);
    expect(isProven(after(slight, slight, slight, slight))).toBe(true);
    expect(isProven(after(gross, slight))).toBe(false);
    expect(isProven(after(gross, slight, slight))).toBe(true);
    expect(isProven(after(gross, 0, 0, gross))).toBe(true);
  });

  it('forgets what is further back than the window', () => {
    const passes = Array<Points>(WINDOW).fill(0);
    expect(isProven(after(2, ...passes.slice(1), 2))).toBe(false);
    expect(isProven(after(2, ...passes.slice(2), 2))).toBe(true);
    expect(after(...passes, ...passes)).toHaveLength(WINDOW);
  });
});

describe('score', () => {
  it('is additive in work, whole, and nothing for the punished', () => {
    expect(scoreOf(7n, QUALITY_ONE, LATENCY_ONE, false)).toBe(7n * SCORE_ONE);
    expect(scoreOf(7n, QUALITY_ONE, LATENCY_ONE, true)).toBe(0n);
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1n << 64n }), fc.bigInt({ min: 0n, max: 1n << 64n }), (a, b) => {
        const score = (work: bigint): bigint => scoreOf(work, 970_548, 60_000, false);
        expect(score(a) + score(b)).toBe(score(a + b));
      }),
    );
  });
});
