import { bonferroni } from '../statistics/intervals.ts';
import { equivocation, lateReveal, weightCopying, withheldReveal } from './attacks/timing.ts';
import { falseReceipts } from './attacks/false-receipts.ts';
import { heldBackReceipts } from './attacks/held-back.ts';
import { majority, type Step } from './attacks/majority.ts';
import { forgedReceipts } from './attacks/receipts.ts';
import { splitting } from './attacks/splitting.ts';
import { selfVoting, underVoting } from './attacks/weights.ts';
import { brokenText, weigh, type Claim, type ClaimReport } from './claims.ts';
import { Field } from './field.ts';
import { EPOCHS, HONEST } from './game.ts';
import { ACCOUNTS } from './workload.ts';

export type ConsensusReport = {
  suite: 'consensus';
  full: boolean;
  seed: string;
  /** Games of each attack, what each is played by, and for how long. */
  games: { seeds: number; epochs: number; honestValidators: number; accounts: number };
  intervals: { family: number; each: number; count: number };
  majority: (Omit<Step, 'claims'> & { claims: ClaimReport[] })[];
  attacks: ClaimReport[];
  /** With which codes the pool refuses forged receipts. */
  receiptCodes: Record<string, string>;
  broken: string[];
  elapsedMs: number;
};

export type ConsensusOptions = { seed: string; full: boolean; say: (line: string) => void };

const VOTES = {
  'weight copying': weightCopying,
  'under-voting': underVoting,
  'self-voting': selfVoting,
  'sybil splitting': splitting,
  equivocation,
  'late reveal': lateReveal,
  'withheld reveal': withheldReveal,
};

/** Games of each attack. */
const QUICK = 6;
const FULL = 24;

/** Attacks on the votes of validators, each with its control. A function of the seed but for the time it takes. */
export async function runConsensusSuite({ seed, full, say }: ConsensusOptions): Promise<ConsensusReport> {
  const startMs = performance.now();
  const field = new Field(seed, full ? FULL : QUICK);
  say('majority: from 10 % to 90 % of the stake');
  const steps = await majority(field);
  const claims: Claim[] = [];
  for (const [name, attack] of Object.entries(VOTES)) {
    say(name);
    claims.push(...(await attack(field)));
  }
  say('receipts');
  const forged = await forgedReceipts(field);
  claims.push(...forged.claims, ...(await heldBackReceipts(field)), ...(await falseReceipts(field)));
  const count = claims.length + steps.reduce((sum, step) => sum + step.claims.length, 0);
  const each = bonferroni(count);
  say(`weighing ${count} claims`);
  const attacks = claims.map((claim) => weigh(claim, seed, each));
  const sweep = steps.map((step) => ({
    ...step,
    claims: step.claims.map((claim) => weigh(claim, seed, each)),
  }));
  return {
    suite: 'consensus',
    full,
    seed,
    games: { seeds: field.seeds.length, epochs: EPOCHS, honestValidators: HONEST, accounts: ACCOUNTS },
    intervals: { family: 0.95, each, count },
    majority: sweep,
    attacks,
    receiptCodes: forged.codes,
    broken: [...sweep.flatMap((step) => step.claims), ...attacks]
      .filter(({ broken }) => broken)
      .map(brokenText),
    elapsedMs: Math.round(performance.now() - startMs),
  };
}
