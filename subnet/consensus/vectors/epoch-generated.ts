import * as v from 'valibot';
import { BACKENDS, NOTHING_FORGOTTEN, type Observed } from './backends.ts';
import { epochParams } from './epoch-sequence.ts';
import { NOTE, u16, vectorSchema, whole, wholeBig } from './schema.ts';
import { emptySubnet, epochInput, rulesOf } from './subnet-state.ts';
import type { Tally } from './tally.ts';
import { epochTolerance, toleranceFor, type Tolerance } from './tolerance.ts';

const group = v.strictObject({
  consensus: whole,
  incentive: whole,
  dividends: whole,
  emission: wholeBig,
  bond_to_first_validator: whole,
  bond_to_first_server: whole,
});
const legacy = v.strictObject({ rank: whole, trust: whole });
const groupOf = <S extends v.GenericSchema>(shape: S) => ({ validators: shape, servers: shape });

/** In a layout of blocks validators come first; interleaved, every eighth uid is one. */
const INTERLEAVED_EVERY = 8;
const BLOCK_PART = 8;

/** A large subnet that is told by its layout: equal validators, equal servers, the same weight on each server. */
export const epochGenerated = vectorSchema(
  'yuma-epoch-generated/1',
  {
    semantics: v.optional(v.string()),
    params: epochParams,
    layout: v.picklist(['block', 'interleaved']),
    stake_per_validator: wholeBig,
    weight_u16: u16,
    server_self_weight: v.boolean(),
    epochs: v.pipe(whole, v.minValue(1), v.maxValue(100)),
    expect: v.strictObject(groupOf(group)),
    legacy_expect: v.optional(v.strictObject({ ...groupOf(legacy), ...NOTE })),
    tolerance: v.optional(epochTolerance),
  },
  (file, tally) => {
    const { params, layout } = file;
    const uids = Array.from({ length: params.n }, (_, uid) => uid);
    const isValidator = (uid: number): boolean =>
      layout === 'block' ? uid < params.n / BLOCK_PART : uid % INTERLEAVED_EVERY === 0;
    const validators = uids.filter(isValidator);
    const servers = uids.filter((uid) => !isValidator(uid));
    for (const backend of BACKENDS) {
      const run = backend.start(rulesOf(params));
      const state = emptySubnet(params.n);
      for (const uid of validators) state.stake[uid] = file.stake_per_validator;
      const epoch = (permits: readonly boolean[], block: number): Observed =>
        run(epochInput(state, permits, block, params), params.emission, NOTHING_FORGOTTEN);
      let observed = epoch(state.permits, 0);
      for (const uid of validators) state.weights[uid] = servers.map((server) => [server, file.weight_u16]);
      if (file.server_self_weight) for (const uid of servers) state.weights[uid] = [[uid, 65_535]];
      state.lastUpdate = uids.map((uid) => (isValidator(uid) || file.server_self_weight ? 1 : 0));
      for (let i = 0; i < file.epochs; i++) observed = epoch(observed.permits, 1);

      const tolerance = toleranceFor(backend.name, file.tolerance);
      const first = { validator: validators[0] ?? -1, server: servers[0] ?? -1 };
      for (const [kind, members] of [
        ['validators', validators],
        ['servers', servers],
      ] as const) {
        const where = `${backend.name} ${kind}`;
        for (const uid of members) {
          compareUid(`${where} uid ${uid}`, uid, first, observed, file.expect[kind], tolerance, tally);
          const old = file.legacy_expect?.[kind];
          if (old !== undefined) compareLegacy(`${where} uid ${uid}`, uid, observed, old, tolerance, tally);
        }
      }
    }
  },
);

function compareUid(
  where: string,
  uid: number,
  first: { validator: number; server: number },
  observed: Observed,
  want: v.InferOutput<typeof group>,
  tolerance: Tolerance,
  tally: Tally,
): void {
  for (const name of ['consensus', 'incentive', 'dividends'] as const) {
    const got = observed[name].u16[uid] ?? Number.NaN;
    tally.near(`${where} ${name}`, 'u16', got, want[name], tolerance.u16);
  }
  const amount = observed.amounts.combined[uid] ?? -1n;
  tally.nearWhole(`${where} emission`, 'rao', amount, want.emission, tolerance.rao);
  const bonds = observed.bondsU16[uid];
  for (const kind of ['validator', 'server'] as const) {
    const got = bonds?.get(first[kind]) ?? 0;
    tally.near(`${where} bond to first ${kind}`, 'u16', got, want[`bond_to_first_${kind}`], tolerance.u16);
  }
}

/** Rank and trust, as they were stored once: the normalised rank, and what of the submitted rank was left. */
function compareLegacy(
  where: string,
  uid: number,
  observed: Observed,
  want: v.InferOutput<typeof legacy>,
  tolerance: Tolerance,
  tally: Tally,
): void {
  tally.near(`${where} rank`, 'u16', observed.incentive.u16[uid] ?? Number.NaN, want.rank, tolerance.u16);
  const submitted = observed.preRank.value[uid] ?? 0;
  const trust = submitted === 0 ? 0 : (observed.rank.value[uid] ?? 0) / submitted;
  tally.near(`${where} trust`, 'u16', Math.floor(trust * 65_535), want.trust, tolerance.u16);
}
