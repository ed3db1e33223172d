import fc from 'fast-check';
import { U16_ONE, type LiquidAlpha, YUMA_RULES, type YumaRules } from './rules.ts';
import { votesOf, type YumaInput } from './votes.ts';

/** A small network as plain lists, so that tests can turn it around. */
export type Network = {
  stake: number[];
  /** By row: a weight by column, null where there is no vote. */
  votes: (number | null)[][];
};

/**
 * Up to 8 validators and 12 accounts. Stakes sum to at most 8,000, so that no part of them lies closer to kappa than 7e-6
 * and both backends see the same majority.
 */
export const networks = (least = 0): fc.Arbitrary<Network> =>
  fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 12 })).chain(([rows, columns]) =>
    fc.record({
      stake: fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: rows, maxLength: rows }),
      votes: fc.array(
        fc.array(fc.option(fc.integer({ min: least, max: U16_ONE }), { freq: 4 }), {
          minLength: columns,
          maxLength: columns,
        }),
        { minLength: rows, maxLength: rows },
      ),
    }),
  );

export const rules = (): fc.Arbitrary<YumaRules> =>
  fc
    .record({
      version: fc.constantFrom(2 as const, 3 as const),
      bondsPenalty: fc.constantFrom(0, 20_000, U16_ONE),
      bondsMovingAveragePpm: fc.constantFrom(500_000, 900_000, 975_000),
      liquidAlpha: fc.constantFrom<LiquidAlpha | null>(null, { low: 6_553, high: 19_660, steepness: 1_000 }),
    })
    .chain((chosen) =>
      fc.boolean().map((dropAbsentBonds) => ({
        ...YUMA_RULES,
        ...chosen,
        reference: { ...YUMA_RULES.reference, dropAbsentBonds },
      })),
    );

/** The network at an epoch: everybody votes now, everybody may. */
export const inputOf = ({ stake, votes }: Network): YumaInput => ({
  block: 10,
  stake: stake.map(BigInt),
  permits: stake.map(() => true),
  lastUpdate: stake.map(() => 10),
  commitBlock: null,
  votes: votesOf(
    votes[0]?.length ?? 0,
    votes.map((row) => row.flatMap((w, j) => (w === null ? [] : [[j, w] as const]))),
  ),
  registered: (votes[0] ?? []).map(() => 0),
  self: stake.map(() => -1),
  owner: -1,
  bondsSince: 9,
});
