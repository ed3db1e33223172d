import * as v from 'valibot';
import { AGREEMENT, compareBackends, earnedSomething } from './agreement.ts';
import { BACKENDS, type Observed } from './backends.ts';
import { compareStep } from './expect.ts';
import { NOTE, u16, vectorSchema, whole, wholeBig } from './schema.ts';
import { emptySubnet, epochInput, replaceUid, rulesOf, type SubnetState } from './subnet-state.ts';
import { epochTolerance, toleranceFor } from './tolerance.ts';
import { compareTrace, trace } from './trace.ts';

const uidKey = v.pipe(v.string(), v.regex(/^\d{1,5}$/));
const weightRow = v.array(v.tuple([whole, u16]));

/** Parameters that every file of epochs has. */
export const epochParams = v.strictObject({
  n: v.pipe(whole, v.minValue(1), v.maxValue(4_096)),
  tempo: whole,
  activity_cutoff_blocks: whole,
  kappa_u16: u16,
  bonds_penalty_u16: u16,
  bonds_moving_average_ppm: v.pipe(whole, v.maxValue(1_000_000)),
  yuma3: v.boolean(),
  liquid_alpha: v.boolean(),
  alpha_low_u16: u16,
  alpha_high_u16: u16,
  alpha_sigmoid_steepness: whole,
  max_allowed_validators: whole,
  stake_threshold: wholeBig,
  owner_uid: v.nullable(whole),
  emission: wholeBig,
  commit_reveal: v.boolean(),
});

/** Changes before an epoch. A commit block is that of a uid's oldest vote still hidden. */
const changes = v.strictObject({
  stake: v.optional(v.record(uidKey, wholeBig)),
  validator_permit: v.optional(v.record(uidKey, v.boolean())),
  last_update: v.optional(v.record(uidKey, whole)),
  block_at_registration: v.optional(v.record(uidKey, whole)),
  commit_block: v.optional(v.record(uidKey, whole)),
  weights: v.optional(v.record(uidKey, weightRow)),
  bonds_reset: v.optional(v.array(whole)),
  replace_uid: v.optional(v.array(v.strictObject({ uid: whole, registered_at: whole, stake: wholeBig }))),
});

const initial = v.strictObject({
  stake: v.array(wholeBig),
  validator_permit: v.optional(v.array(v.boolean())),
  last_update: v.optional(v.array(whole)),
  block_at_registration: v.optional(v.array(whole)),
  weights: v.optional(v.record(uidKey, weightRow)),
});

const step = v.strictObject({
  block: whole,
  set: changes,
  expect: v.record(v.string(), v.unknown()),
  trace: v.optional(trace),
  ...NOTE,
});

/** Steps of one subnet: changes, an epoch, what must come out. */
export const epochSequence = vectorSchema(
  'yuma-epoch-sequence/1',
  {
    semantics: v.optional(v.string()),
    params: epochParams,
    initial,
    steps: v.pipe(v.array(step), v.minLength(1)),
    tolerance: v.optional(epochTolerance),
  },
  ({ params, initial, steps, tolerance }, tally) => {
    const state = initialState(params.n, initial);
    const expectsNothing = steps.every(
      ({ expect, trace }) => Object.keys({ ...expect, ...trace }).length === 0,
    );
    const rules = rulesOf(params);
    // With nothing to expect the backends are compared, which asks for bonds that are kept whole.
    if (expectsNothing) rules.reference.u16Bonds = false;
    const runs = BACKENDS.map((backend) => ({
      name: backend.name,
      run: backend.start(rules),
      permits: state.permits,
      tolerance: toleranceFor(backend.name, tolerance),
    }));
    let earned = false;
    for (const { block, set, expect, trace } of steps) {
      const replaced = new Set(set.replace_uid?.map(({ uid }) => uid));
      applyChanges(state, set);
      const seen: Observed[] = [];
      for (const run of runs) {
        const given = set.validator_permit ?? {};
        const permits = run.permits.map((permit, uid) => given[uid] ?? (permit && !replaced.has(uid)));
        const input = epochInput(state, permits, block, params);
        const forgotten = { rows: replaced, columns: new Set(set.bonds_reset) };
        const observed = run.run(input, params.emission, forgotten);
        run.permits = observed.permits;
        seen.push(observed);
        const comparison = { where: `${run.name} block ${block}`, observed, tolerance: run.tolerance, tally };
        compareStep(expect, comparison);
        if (trace !== undefined) compareTrace(trace, comparison);
      }
      const [fast, exact] = seen;
      if (!expectsNothing || fast === undefined || exact === undefined) continue;
      compareBackends(`block ${block}`, fast, exact, AGREEMENT[rules.version], tally);
      earned ||= earnedSomething(fast);
    }
    if (expectsNothing)
      tally.holds('file', earned, 'expects nothing, and no step has a usable vote to compare');
  },
);

function initialState(n: number, given: v.InferOutput<typeof initial>): SubnetState {
  for (const list of [given.stake, given.validator_permit, given.last_update, given.block_at_registration]) {
    if (list !== undefined && list.length !== n) throw new RangeError(`initial: expected ${n} values`);
  }
  const state = emptySubnet(n);
  state.stake = [...given.stake];
  state.permits = given.validator_permit ?? state.permits;
  state.lastUpdate = given.last_update ?? state.lastUpdate;
  state.registered = given.block_at_registration ?? state.registered;
  assign(state.weights, given.weights);
  return state;
}

/** Places change hands first, so that votes of the same step are on who has them now. */
function applyChanges(state: SubnetState, set: v.InferOutput<typeof changes>): void {
  for (const { uid, registered_at, stake } of set.replace_uid ?? []) {
    if (uid >= state.stake.length) throw new RangeError(`replace_uid: there is no uid ${uid}`);
    replaceUid(state, uid, registered_at, stake);
  }
  assign(state.stake, set.stake);
  assign(state.registered, set.block_at_registration);
  assign(state.commitBlock, set.commit_block);
  assign(state.lastUpdate, set.last_update);
  assign(state.weights, set.weights);
}

function assign<T>(list: T[], values: Readonly<Record<string, T>> = {}): void {
  for (const [uid, value] of Object.entries(values)) {
    if (Number(uid) >= list.length) throw new RangeError(`there is no uid ${uid}`);
    list[Number(uid)] = value;
  }
}
