import * as v from 'valibot';
import { Random } from '../../models/random.ts';
import { U16_ONE, type YumaRules } from '../yuma/rules.ts';
import { BACKENDS, NOTHING_FORGOTTEN, type Backend } from './backends.ts';
import { cases, finite, fraction, NOTE, vectorSchema } from './schema.ts';
import { emptySubnet, epochInput, GRIDTAB_VARIANTS } from './subnet-state.ts';

/** As large as the reference's own experiment. */
const UIDS = 512;
const VALIDATORS = 64;
const TOTAL_STAKE = 21_000_000_000_000_000;
const STAKE_STDDEV = 0.3;
const EMISSION = 1_000_000_000n;
/** The cases lie close to the edge of what holds, so chance is averaged out. */
const DRAWS = 5;

const given = v.strictObject({
  major_stake: v.pipe(fraction, v.gtValue(0), v.ltValue(1)),
  major_weight: fraction,
  minor_weight: fraction,
  weight_stddev: v.pipe(finite, v.minValue(0)),
  expected: v.literal('major_emission_share >= major_stake'),
  ...NOTE,
});
type Split = v.InferOutput<typeof given>;

/**
 * A majority keeps at least its stake's share of the emission, whatever the minority votes: each side puts so much of its
 * weight on servers of its own and the rest on the others'. Stakes and weights scatter normally. In one epoch from nothing
 * only the version matters of the rules.
 */
export const guarantee = vectorSchema('yuma-guarantee/1', { cases: cases(given) }, ({ cases }, tally) => {
  for (const [i, split] of cases.entries()) {
    for (const { name, rules } of GRIDTAB_VARIANTS.slice(0, 2)) {
      const share = (backend: Backend, draw: number): number =>
        majorShare(split, rules, backend, Random.from(['guarantee', i, draw]));
      const [fast, ...oracles] = BACKENDS;
      if (fast === undefined) throw new Error('BACKENDS: expected one');
      const draws = Array.from({ length: DRAWS }, (_, draw) => share(fast, draw));
      const mean = draws.reduce((a, b) => a + b, 0) / DRAWS;
      const where = `case ${i}, ${name}`;
      const short = Math.max(0, split.major_stake - mean);
      tally.near(`${where}: the majority is short of its share by`, 'abs', short, 0, ROUNDING);
      for (const oracle of oracles) {
        tally.near(`${where}: ${oracle.name}`, 'abs', share(oracle, 0), draws[0] ?? Number.NaN, AGREEMENT);
      }
    }
  }
});

/** Of the same draw, both backends: hundreds of amounts, each from a chain of cut products. */
const AGREEMENT = 1e-5;
/** Amounts are cut to whole units and weights to 1 / 65,535 before they are compared. */
const ROUNDING = 1e-4;

/** The part of the emission that the majority's validators and servers get together. */
function majorShare(split: Split, rules: YumaRules, backend: Backend, random: Random): number {
  const servers = UIDS - VALIDATORS;
  // Never all and never none.
  const majority = (n: number): number => Math.min(n - 1, Math.max(1, Math.floor(split.major_stake * n)));
  const isMajor = (uid: number): boolean =>
    uid < VALIDATORS ? uid < majority(VALIDATORS) : uid - VALIDATORS < majority(servers);

  const state = emptySubnet(UIDS);
  const uids = Array.from({ length: UIDS }, (_, uid) => uid);
  const side = (major: boolean, validators: boolean): number[] =>
    uids.filter((uid) => isMajor(uid) === major && uid < VALIDATORS === validators);
  for (const major of [true, false]) {
    const members = side(major, true);
    const part = major ? split.major_stake : 1 - split.major_stake;
    const drawn = scattered(members.length, STAKE_STDDEV, random);
    members.forEach(
      (uid, k) => (state.stake[uid] = BigInt(Math.floor((drawn[k] ?? 0) * part * TOTAL_STAKE))),
    );
    const toMajor = major ? split.major_weight : 1 - split.minor_weight;
    for (const uid of members) {
      state.weights[uid] = [
        ...votes(side(true, false), toMajor, split.weight_stddev, random),
        ...votes(side(false, false), 1 - toMajor, split.weight_stddev, random),
      ];
      state.permits[uid] = true;
      state.lastUpdate[uid] = 1;
    }
  }
  const input = epochInput(state, state.permits, 1, { tempo: 1, owner_uid: null, commit_reveal: false });
  const { amounts } = backend.start(rules)(input, EMISSION, NOTHING_FORGOTTEN);
  const paid = amounts.combined.map(Number);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  return sum(paid.filter((_, uid) => isMajor(uid))) / sum(paid);
}

/** A normal number (Box and Muller): the tails matter here, which sums of uniform numbers do not have. */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());

/** Numbers around 1, none below 0, divided by their sum. */
function scattered(n: number, stddev: number, random: Random): number[] {
  const values = Array.from({ length: n }, () => Math.max(0, 1 + stddev * normal(random)));
  const sum = values.reduce((a, b) => a + b, 0);
  return values.map((value) => (sum === 0 ? 0 : value / sum));
}

const votes = (uids: readonly number[], part: number, stddev: number, random: Random): [number, number][] => {
  const shares = scattered(uids.length, stddev, random);
  return uids.map((uid, k) => [uid, Math.floor((shares[k] ?? 0) * part * U16_ONE)]);
};
