import { clopperPearson } from '../statistics/intervals.ts';
import { rewardRatio, type Pair, type Ratio } from '../statistics/ratio.ts';

/** What must be true of an interval: all of it at most or at least a bound, or around a number that was predicted. */
export type Must = { atMost: number } | { atLeast: number } | { around: number };

/** What a claim rests on: one pair for each seed, or counted events. */
export type Evidence = { pairs: readonly Pair[] } | { successes: number; trials: number };

/** One thing that was measured of an attack. */
export type Claim = {
  attack: string;
  /** `control`: the defence is off, and the attack must succeed. `shown`: a limit, on which nothing is claimed. */
  side: 'defended' | 'control' | 'shown';
  /** What was done, for people. */
  what: string;
  /** What the number is. */
  metric: string;
  evidence: Evidence;
  must: Must | null;
};

export type ClaimReport = Omit<Claim, 'evidence'> & Ratio & { samples: number; broken: boolean };

/** Differences of the last bits of sums are none. */
const TINY = 1e-9;

/** Weighs a claim. A claim without an interval that bears it out is broken. */
export function weigh({ evidence, ...claim }: Claim, seed: string, confidence: number): ClaimReport {
  const measured =
    'pairs' in evidence
      ? { ...rewardRatio(evidence.pairs, { seed, ...claim }, confidence), samples: evidence.pairs.length }
      : {
          mean: evidence.successes / evidence.trials,
          ...clopperPearson(evidence.successes, evidence.trials, confidence),
          samples: evidence.trials,
        };
  return { ...claim, ...measured, broken: claim.must !== null && !holds(measured, claim.must) };
}

function holds({ low, high }: Ratio, must: Must): boolean {
  if ('atMost' in must) return high <= must.atMost + TINY;
  if ('atLeast' in must) return low >= must.atLeast - TINY;
  return low <= must.around && must.around <= high;
}

/** A broken claim in words. */
export function brokenText({ attack, side, what, metric, mean, low, high, must }: ClaimReport): string {
  const why = side === 'control' ? 'did not succeed without the defence' : 'is not held off';
  const number = (x: number): string => x.toFixed(4);
  return `${attack} (${what}) ${why}: ${metric} ${number(mean)} [${number(low)}, ${number(high)}], must be ${JSON.stringify(must)}`;
}
