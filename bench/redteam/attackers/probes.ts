import { equalBytes, hexToBytes } from '../../../protocol/bytes.ts';
import type { Model } from '../../../protocol/manifest.ts';
import { float32Tensor, float32Values, type Tensor } from '../../../protocol/tensor.ts';
import { compareOutputs } from '../../../subnet/kinds/infer/compare.ts';
import { bitsForShares } from '../../../subnet/kinds/hash/size.ts';
import { Random } from '../../../subnet/models/random.ts';
import type { Move, Situation } from '../arena.ts';
import { honestMove, inferMove } from '../moves.ts';
import { clopperPearson, type Interval } from '../statistics/intervals.ts';
import { offByOne } from './forgeries.ts';
import { identityOf } from '../world/identities.ts';
import { resultOf, type Hello } from '../world/tab.ts';
import { WEIGHT_COPIES, type Backend, type Computed, type Workbench } from '../world/workbench.ts';
import { World, type WorldOptions } from '../world/world.ts';

/** What slips through an audit: every unit is audited here, so this is the audit's own power, d. */
export type ProbeReport = {
  name: string;
  what: string;
  /** Units whose outputs had changed. */
  units: number;
  /** Units that came out right all the same: nothing is wrong with them. */
  unchanged: number;
  missed: number;
  missRate: number;
  interval: Interval;
  /** What theory says of the rate, where it says something. */
  predicted: number | null;
  codes: Record<string, number>;
  broken: string[];
};

type Probe = {
  name: string;
  what: string;
  world: Omit<WorldOptions, 'bench' | 'seed'>;
  provider: 'webgpu' | 'wasm' | 'cpu';
  hello?: Partial<Hello>;
  play: (at: Situation, random: Random) => Promise<Move>;
  /** Bounds of the miss rate, or what theory predicts of it. */
  must?: { none: true } | { predicted: number };
};

/** Fractions of the tolerance to which outputs are tampered with. */
const FRACTIONS = [0.1, 0.5, 0.9, 1.1];
const SKIPS = [0.5, 0.1];
/** A range of this many nonces holds 16 shares on average, of which an audit searches an eighth again. */
const RANGE = { nonceCount: 2_048, shares: 16, rescan: 256 };
/** Units between two refills of the rate limits. */
const BATCH = 10;

/** Every probe of `which` over `units` units each. A function of the seed. */
export async function runProbes(
  which: 'tolerance' | 'exact',
  options: { bench: Workbench; seed: string; units: number; confidence: number },
): Promise<ProbeReport[]> {
  const reports: ProbeReport[] = [];
  const probes = (which === 'exact' ? exactProbes : probesOf)(options.bench);
  for (const probe of probes) reports.push(await runProbe(probe, options));
  return reports;
}

async function runProbe(
  { name, what, world: shape, provider, hello, play, must }: Probe,
  { bench, seed, units, confidence }: { bench: Workbench; seed: string; units: number; confidence: number },
): Promise<ProbeReport> {
  const world = await World.open({
    bench,
    seed: `${seed}/${name}`,
    ...shape,
    policy: { auditFloorPpm: 1_000_000 },
  });
  const random = Random.from({ domain: 'gridtab/redteam/probe/1', seed, name });
  const codes: Record<string, number> = {};
  const broken: string[] = [];
  let missed = 0;
  let changed = 0;
  try {
    const { tab } = world.connect(await identityOf(seed, `probe-${name}`), hello);
    const work = await tab.start();
    for (let index = 0; index < units; index++) {
      if (index % BATCH === 0) world.pass(BATCH);
      await work.ready(1);
      const lease = await work.lease();
      if (lease === null) throw new Error(`${name}: no work (${work.refused})`);
      const move = await play({ lease, index, sinceRefusal: 0, bench }, random);
      work.show = () => move.shown;
      const verdict = await work.submit(resultOf(lease.taskId, move.result, provider));
      if (!move.forged) {
        if (verdict?.type !== 'accepted') broken.push(`a right result was refused: ${verdict?.code}`);
        continue;
      }
      changed += 1;
      if (verdict?.type === 'accepted') missed += 1;
      else codes[verdict?.code ?? 'ENDED'] = (codes[verdict?.code ?? 'ENDED'] ?? 0) + 1;
    }
  } finally {
    await world.close();
  }
  const interval = changed === 0 ? { low: 0, high: 1 } : clopperPearson(missed, changed, confidence);
  const predicted = must !== undefined && 'predicted' in must ? must.predicted : null;
  if (must !== undefined && 'none' in must && missed > 0)
    broken.push(`${missed} of ${changed} slipped through`);
  if (predicted !== null && (predicted < interval.low || predicted > interval.high))
    broken.push(`${missed} of ${changed} slipped through; theory says ${predicted.toFixed(3)}`);
  return {
    name,
    what,
    units: changed,
    unchanged: units - changed,
    missed,
    missRate: changed === 0 ? 0 : missed / changed,
    interval,
    predicted,
    codes,
    broken,
  };
}

function probesOf(bench: Workbench): Probe[] {
  const models = bench.catalogue.models.filter(({ tolerance }) => tolerance.class === 'T');
  return [...models.flatMap((model) => [...fractions(model), ...weights(model)]), ...skips()];
}

/** Of exact models nothing that has changed may slip through. */
function exactProbes(bench: Workbench): Probe[] {
  const models = bench.catalogue.models.filter(({ tolerance }) => tolerance.class === 'E');
  return models.flatMap(({ name }) => {
    const probe = (
      what: string,
      tampering: string,
      made: (at: Situation, random: Random) => Promise<Computed>,
    ): Probe => ({
      name: `${name}-${what}`,
      what: tampering,
      world: { models: [name] },
      provider: 'webgpu',
      play: async (at, random) => {
        const { unit } = at.lease;
        if (unit.kind !== 'infer') throw new Error('no inference unit');
        const altered = await made(at, random);
        const honest = await at.bench.compute(unit.spec.model, unit.input.tensors, 'wasm');
        return inferMove(altered, !sameBits(altered, honest));
      },
      must: { none: true },
    });
    const run =
      (backendOf: (random: Random) => Backend) =>
      async ({ lease: { unit }, bench: own }: Situation, random: Random): Promise<Computed> => {
        if (unit.kind !== 'infer') throw new Error('no inference unit');
        return await own.compute(unit.spec.model, unit.input.tensors, backendOf(random));
      };
    return [
      probe(
        'one-step',
        `one weight off by one step of its grid, ${WEIGHT_COPIES} copies of the model`,
        run((random) => `step-${random.below(WEIGHT_COPIES)}`),
      ),
      probe(
        'one-weight',
        `one weight off by 5 %, ${WEIGHT_COPIES} copies of the model`,
        run((random) => `weight-${random.below(WEIGHT_COPIES)}`),
      ),
      probe('off-by-one', 'one number of the right result is one too large', offByOne),
      probe(
        'rounded',
        'the trained model in floats, its logits rounded',
        run(() => 'rounded'),
      ),
      probe(
        'coarse',
        'the same model compiled to activations of seven bits',
        run(() => 'coarse'),
      ),
    ];
  });
}

const fractions = (model: Model): Probe[] =>
  FRACTIONS.map((fraction) => ({
    name: `${model.name}-${fraction}-tolerance`,
    what: `outputs moved by ${fraction} of the tolerance, by one who has computed them`,
    world: { models: [model.name] },
    provider: 'webgpu',
    play: async (at, random) => {
      const { unit } = at.lease;
      if (unit.kind !== 'infer') throw new Error('no inference unit');
      const honest = await at.bench.compute(unit.spec.model, unit.input.tensors, 'wasm');
      return inferMove({ ...honest, outputs: moved(honest.outputs, model, fraction, random) }, true);
    },
    ...(fraction > 1 ? { must: { none: true as const } } : {}),
  }));

/** Outputs off by `fraction` of what the model's tolerance allows, in a random direction, as the validator measures it. */
function moved(outputs: readonly Tensor[], { tolerance }: Model, fraction: number, random: Random): Tensor[] {
  if (tolerance.class !== 'T') throw new Error('no tolerance');
  const directions = outputs.map((tensor) =>
    tensor.dtype === 'float32' ? float32Values(tensor).map(() => random.normal()) : null,
  );
  const shift = (scale: number): Tensor[] =>
    outputs.map((tensor, i) => {
      const direction = directions[i];
      if (direction === null || direction === undefined) return tensor;
      const values = float32Values(tensor).map((value, at) => value + scale * (direction[at] ?? 0));
      return float32Tensor(tensor.name, tensor.dims, values);
    });
  const wanted = fraction * tolerance.relativeL2;
  let scale = wanted;
  // The distance grows in proportion to the shift, nearly: a few corrections land on it.
  for (let i = 0; i < 8; i++) {
    const found = Number(compareOutputs(outputs, shift(scale), tolerance).evidence['relativeL2'] ?? 0);
    if (found === 0) scale *= 8;
    else if (Math.abs(found / wanted - 1) > 0.01) scale *= wanted / found;
  }
  return shift(scale);
}

/** A weight may lie in a branch that is not taken: then nothing has changed. */
const sameBits = (a: Computed, b: Computed): boolean =>
  [...a.outputs, ...a.interior].every((tensor, i) =>
    equalBytes(tensor.data, [...b.outputs, ...b.interior][i]?.data ?? new Uint8Array(0)),
  );

/** One weight off by 5 %, held to the tolerance and, on WebAssembly, to equality. */
function weights(model: Model): Probe[] {
  const artefact = model.wasmLane?.artefacts[0];
  const play: Probe['play'] = async (at, random) => {
    const { unit } = at.lease;
    if (unit.kind !== 'infer') throw new Error('no inference unit');
    const backend = `weight-${random.below(WEIGHT_COPIES)}` as const;
    const { model: spec } = unit.spec;
    const altered = await at.bench.compute(spec, unit.input.tensors, backend);
    const honest = await at.bench.compute(spec, unit.input.tensors, 'wasm');
    return inferMove(altered, !sameBits(altered, honest));
  };
  const probe = (lane: string, rest: Pick<Probe, 'provider' | 'hello'>): Probe => ({
    name: `${model.name}-one-weight-${lane}`,
    what: `one weight off by 5 %, ${WEIGHT_COPIES} copies of the model, ${lane} lane`,
    world: { models: [model.name] },
    play,
    ...rest,
    ...(lane === 'wasm' ? { must: { none: true as const } } : {}),
  });
  if (artefact === undefined || model.wasmLane === undefined)
    return [probe('tolerance', { provider: 'webgpu' })];
  const runtime = { name: model.wasmLane.runtime, artefact: hexToBytes(artefact) };
  return [
    probe('tolerance', { provider: 'webgpu' }),
    probe('wasm', { provider: 'wasm', hello: { runtime } }),
  ];
}

/** Part of a range that has to be searched whole is left out; its shares are missing. */
function skips(): Probe[] {
  const { nonceCount, shares, rescan } = RANGE;
  const bits = bitsForShares(nonceCount, shares);
  return SKIPS.map((skip) => ({
    name: `skipped-${skip}`,
    what: `leaves out ${100 * skip} % of a range that is paid whole`,
    world: {
      models: [],
      hash: { size: { bits, nonceCount }, exhaustive: true, rescanNonces: rescan },
    },
    provider: 'cpu',
    hello: { kinds: [{ kind: 'hash', providers: ['cpu'] }] },
    play: async (at) => {
      const move = await honestMove(at);
      if (move.result.kind !== 'hash') throw new Error('no hash unit');
      const nonces = move.result.body.nonces.filter((nonce) => nonce < (1 - skip) * nonceCount);
      return { ...move, result: { kind: 'hash', body: { nonces } }, forged: true };
    },
    // e^(−q f λ) (verification.md, "Hash work").
    must: { predicted: Math.exp((-skip * rescan * shares) / nonceCount) },
  }));
}
