import * as v from 'valibot';
import { CAP, slotReward, split } from '../../ledger/emission.ts';
import { betweenMechanisms, betweenSubnets, subnetSplit } from '../yuma/chain/splits.ts';
import {
  ABS,
  cases,
  decimal,
  DECIMAL_ONE,
  EXACT,
  finite,
  fraction,
  NOTE,
  u16,
  vectorSchema,
  whole,
  wholeBig,
} from './schema.ts';
import type { Tally } from './tally.ts';

/** The reward of a block by what is issued, as the ledger computes it. */
export const blockEmission = vectorSchema(
  'tao-block-emission/1',
  {
    params: v.strictObject({ total_supply_rao: wholeBig, base_emission_rao: wholeBig }),
    cases: cases(v.strictObject({ issuance: wholeBig, expected: wholeBig, ...NOTE })),
    tolerance: v.optional(EXACT),
  },
  ({ params, cases }, tally) => {
    tally.same('total_supply_rao', BigInt(CAP), params.total_supply_rao);
    tally.same('base_emission_rao', BigInt(slotReward(0n)), params.base_emission_rao);
    for (const { issuance, expected } of cases) {
      tally.nearWhole(`issued ${issuance}`, 'rao', slotReward(issuance), expected, 0);
    }
  },
);

const amount = v.optional(wholeBig);
const withinSubnet = v.strictObject({
  E: wholeBig,
  owner_cut_u16: u16,
  root_proportion: fraction,
  expected: v.strictObject({ owner: amount, server: amount, validator: amount, root: amount }),
  abs: v.optional(whole),
  ...NOTE,
});
const amongSubnets = v.strictObject({
  emission: wholeBig,
  prices: v.array(v.pipe(finite, v.minValue(0))),
  withheld: v.array(fraction),
  enabled: v.array(v.boolean()),
  expected: v.array(wholeBig),
  abs: v.optional(whole),
  ...NOTE,
});
const amongMechanisms = v.strictObject({
  emission: wholeBig,
  count: v.pipe(whole, v.minValue(1)),
  split_u16: v.nullable(v.array(u16)),
  expected: v.array(wholeBig),
  abs: v.optional(whole),
  ...NOTE,
});
const derived = v.strictObject({
  owner_cut_u16: u16,
  owner_fraction: fraction,
  server_fraction: fraction,
  validator_fraction: fraction,
});

/** Fractions are given to some 15 digits. */
const FRACTION_DIGITS = 1e-12;

/** One emission divided: inside a subnet, between subnets, between mechanisms. */
export const emissionSplit = vectorSchema(
  'emission-split/1',
  {
    cases: cases(v.record(v.string(), v.unknown())),
    derived: v.optional(derived),
    tolerance: v.optional(v.union([EXACT, ABS])),
  },
  (file, tally) => {
    const common = file.tolerance !== undefined && 'abs' in file.tolerance ? file.tolerance.abs : 0;
    for (const [i, given] of file.cases.entries()) {
      const where = `case ${i}`;
      if ('E' in given) compareSubnet(where, v.parse(withinSubnet, given), common, tally);
      else if ('prices' in given) compareSubnets(where, v.parse(amongSubnets, given), common, tally);
      else if ('count' in given) compareMechanisms(where, v.parse(amongMechanisms, given), common, tally);
      else throw new RangeError(`${where}: unknown kind (${Object.keys(given).join(', ')})`);
    }
    if (file.derived === undefined) return;
    // The ledger's own split, of the whole supply, so that rounding does not show.
    const parts = split(CAP);
    for (const [name, key] of [
      ['owner', 'owner_fraction'],
      ['miners', 'server_fraction'],
      ['validators', 'validator_fraction'],
    ] as const) {
      tally.near(key, 'abs', Number(parts[name]) / Number(CAP), file.derived[key], FRACTION_DIGITS);
    }
    const cut = subnetSplit(65_535n, file.derived.owner_cut_u16, { part: 0n, of: 1n });
    tally.same('owner_cut_u16', split(65_535n).owner, cut.owner);
  },
);

function compareSubnet(
  where: string,
  given: v.InferOutput<typeof withinSubnet>,
  common: number,
  tally: Tally,
): void {
  const root = { part: decimal(given.root_proportion), of: DECIMAL_ONE };
  const got = subnetSplit(given.E, given.owner_cut_u16, root);
  for (const part of ['owner', 'server', 'validator', 'root'] as const) {
    const want = given.expected[part];
    if (want !== undefined) tally.nearWhole(`${where} ${part}`, 'rao', got[part], want, given.abs ?? common);
  }
  tally.holds(where, Object.keys(given.expected).length > 0, 'expects nothing');
}

function compareSubnets(
  where: string,
  given: v.InferOutput<typeof amongSubnets>,
  common: number,
  tally: Tally,
): void {
  const got = betweenSubnets(
    given.emission,
    given.prices.map((price, i) => ({
      price: decimal(price),
      kept: { part: DECIMAL_ONE - decimal(given.withheld[i] ?? 0), of: DECIMAL_ONE },
      enabled: given.enabled[i] ?? false,
    })),
  );
  compareAmounts(where, got, given.expected, given.abs ?? common, tally);
}

function compareMechanisms(
  where: string,
  given: v.InferOutput<typeof amongMechanisms>,
  common: number,
  tally: Tally,
): void {
  const got = betweenMechanisms(given.emission, given.count, given.split_u16);
  compareAmounts(where, got, given.expected, given.abs ?? common, tally);
}

function compareAmounts(
  where: string,
  got: readonly bigint[],
  want: readonly bigint[],
  tolerance: number,
  tally: Tally,
): void {
  tally.same(`${where}, how many`, got.length, want.length);
  want.forEach((amount, i) => {
    tally.nearWhole(`${where}[${i}]`, 'rao', got[i] ?? -1n, amount, tolerance);
  });
}
