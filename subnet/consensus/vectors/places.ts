import * as v from 'valibot';
import { nextDifficulty, nextPrice, placeToPrune } from '../yuma/chain/registration.ts';
import { blocksUntilEpoch, REVEAL_LIMITS, revealWindow } from '../yuma/chain/timing.ts';
import { ABS, cases, EXACT, finite, NOTE, vectorSchema, whole, wholeBig } from './schema.ts';

/** The price of a place, after blocks and registrations. */
export const registrationBurn = vectorSchema(
  'registration-burn/1',
  {
    cases: cases(
      v.strictObject({
        ...NOTE,
        half_life: v.pipe(whole, v.maxValue(65_535)),
        mult: v.pipe(finite, v.minValue(0), v.maxValue(1_000)),
        min: wholeBig,
        max: wholeBig,
        start: wholeBig,
        ops: v.array(v.picklist(['block', 'register'])),
        expected: v.array(v.nullable(wholeBig)),
      }),
    ),
    tolerance: v.optional(EXACT),
  },
  ({ cases }, tally) => {
    for (const [i, given] of cases.entries()) {
      const where = `case ${given.name ?? i}`;
      const rule = { halfLife: given.half_life, multiplier: given.mult, min: given.min, max: given.max };
      tally.same(`${where}, how many`, given.expected.length, given.ops.length);
      tally.holds(
        where,
        given.expected.some((want) => want !== null),
        'expects nothing',
      );
      let price = given.start;
      for (const [k, op] of given.ops.entries()) {
        price = nextPrice(price, op, rule);
        const want = given.expected[k];
        if (want != null) tally.nearWhole(`${where} after ${k + 1} ops`, 'rao', price, want, 0);
      }
    }
  },
);

/** Who makes room for a newcomer. */
export const registrationPrune = vectorSchema(
  'registration-prune/1',
  {
    cases: cases(
      v.strictObject({
        ...NOTE,
        now: whole,
        immunity: whole,
        min_non_immune: whole,
        registered: v.array(whole),
        emission: v.array(wholeBig),
        immortal: v.array(whole),
        expected: v.nullable(whole),
      }),
    ),
    tolerance: v.optional(EXACT),
  },
  ({ cases }, tally) => {
    for (const [i, given] of cases.entries()) {
      if (given.emission.length !== given.registered.length) throw new RangeError(`case ${i}: not one each`);
      const places = given.registered.map((registered, uid) => ({
        uid,
        registered,
        emission: given.emission[uid] ?? 0n,
        immortal: given.immortal.includes(uid),
      }));
      const got = placeToPrune(places, given.now, given.immunity, given.min_non_immune);
      tally.same(`case ${i}`, got, given.expected);
    }
  },
);

/** Proof-of-work difficulty, of the time when places were worked for. */
export const registrationDifficulty = vectorSchema(
  'registration-difficulty/1',
  {
    cases: cases(
      v.strictObject({
        ...NOTE,
        d: wholeBig,
        regs: wholeBig,
        target: v.pipe(wholeBig, v.minValue(1n)),
        min: wholeBig,
        max: wholeBig,
        adjustment_alpha: v.optional(wholeBig),
        expected: wholeBig,
      }),
    ),
    tolerance: v.optional(v.union([EXACT, ABS])),
  },
  ({ cases, tolerance }, tally) => {
    const allowed = tolerance !== undefined && 'abs' in tolerance ? tolerance.abs : 0;
    for (const [i, { d, regs, target, min, max, adjustment_alpha, expected }] of cases.entries()) {
      const alpha = adjustment_alpha ?? ADJUSTMENT_ALPHA;
      const got = nextDifficulty(d, { registrations: regs, target, min, max, alpha });
      tally.nearWhole(`case ${i}`, 'abs', got, expected, allowed);
    }
  },
);

/** The reference's own, of 2^64: next to nothing of the old difficulty stays. */
const ADJUSTMENT_ALPHA = 58_000n;

/** When the next epoch runs. */
export const epochSchedule = vectorSchema(
  'epoch-schedule/1',
  {
    cases: cases(
      v.strictObject({ ...NOTE, last: whole, tempo: whole, block: whole, expected: v.nullable(whole) }),
    ),
    tolerance: v.optional(EXACT),
  },
  ({ cases }, tally) => {
    for (const [i, { last, tempo, block, expected }] of cases.entries()) {
      tally.same(`case ${i}`, blocksUntilEpoch(last, tempo, block), expected);
    }
  },
);

/** When a hidden vote may be shown. */
export const commitReveal = vectorSchema(
  'commit-reveal/1',
  {
    cases: cases(
      v.strictObject({
        ...NOTE,
        period: v.pipe(whole, v.minValue(REVEAL_LIMITS.periodMin), v.maxValue(REVEAL_LIMITS.periodMax)),
        offset: whole,
        expected: v.picklist(['too_early', 'ok', 'expired']),
      }),
    ),
    limits: v.optional(v.strictObject({ max_unrevealed: whole, period_min: whole, period_max: whole })),
  },
  ({ cases, limits }, tally) => {
    for (const [i, { period, offset, expected }] of cases.entries()) {
      tally.same(`case ${i}`, revealWindow(period, offset), expected);
    }
    if (limits === undefined) return;
    tally.same('max_unrevealed', REVEAL_LIMITS.maxUnrevealed, limits.max_unrevealed);
    tally.same('period_min', REVEAL_LIMITS.periodMin, limits.period_min);
    tally.same('period_max', REVEAL_LIMITS.periodMax, limits.period_max);
  },
);
