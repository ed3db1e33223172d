import { equalBytes, toHex } from '../../../protocol/bytes.ts';
import type { Model } from '../../../protocol/manifest.ts';
import { DTYPE_BYTES, elementCount, int32Values, type Tensor } from '../../../protocol/tensor.ts';
import type { Random } from '../../../subnet/models/random.ts';
import type { Situation } from '../arena.ts';
import { WEIGHT_COPIES, type Backend, type Computed } from '../world/workbench.ts';

/** What an attacker knows while it forges: itself alone. */
export type Memory = {
  cached: Map<string, { input: Uint8Array; computed: Computed }>;
  random: Random;
};

/** Makes what is returned in place of the honest result of an inference unit; null where the honest one is returned. */
export type Forgery = (at: Situation, memory: Memory) => Promise<Computed | null>;

const modelOf = ({ lease, bench }: Situation): Model => {
  const { unit } = lease;
  const model = unit.kind === 'infer' ? bench.catalogue.modelOf(toHex(unit.spec.model)) : null;
  if (model === null) throw new Error('no inference unit');
  return model;
};

/** Tensors of the model's signature, each float as `value` says, everything else zero. */
function filled({ outputs, interior = [] }: Model, value: () => number): Computed {
  const make = ({ name, dtype, dims }: Model['outputs'][number]): Tensor => {
    const data = new Uint8Array(elementCount(dims) * DTYPE_BYTES[dtype]);
    const view = new DataView(data.buffer);
    if (dtype === 'float32') for (let i = 0; i < data.length; i += 4) view.setFloat32(i, value(), true);
    return { name, dtype, dims: [...dims], data };
  };
  return { outputs: outputs.map(make), interior: interior.map(make) };
}

/** The right inputs through another model, or another runtime. */
async function compute({ lease, bench }: Situation, backend: Backend): Promise<Computed> {
  if (lease.unit.kind !== 'infer') throw new Error('no inference unit');
  return await bench.compute(lease.unit.spec.model, lease.unit.input.tensors, backend);
}

const run =
  (backend: Backend): Forgery =>
  (at) =>
    compute(at, backend);

/**
 * The first result of the model that it ever computed, for every later unit; null for that first one, and where the same input
 * comes again and the old result is the right one.
 */
const cached: Forgery = async (at, memory) => {
  const { unit } = at.lease;
  const { name } = modelOf(at);
  const input =
    unit.kind === 'infer' ? (unit.input.tensors[0]?.data ?? new Uint8Array(0)) : new Uint8Array(0);
  const known = memory.cached.get(name);
  if (known === undefined) memory.cached.set(name, { input, computed: await compute(at, 'wasm') });
  return known === undefined || equalBytes(known.input, input) ? null : known.computed;
};

const sameOutputs = (a: Computed, b: Computed): boolean =>
  a.outputs.every((tensor, i) => equalBytes(tensor.data, b.outputs[i]?.data ?? new Uint8Array(0)));

/** One of the copies of a model with one weight off; null where that changes nothing, since that is no wrong result. */
const oneWeight: Forgery = async (at, { random }) => {
  const altered = await compute(at, `weight-${random.below(WEIGHT_COPIES)}`);
  return sameOutputs(altered, await compute(at, 'wasm')) ? null : altered;
};

/** The right result with its first whole number one too large: the least that can be wrong. */
export async function offByOne(at: Situation): Promise<Computed> {
  const { outputs, interior } = await compute(at, 'wasm');
  return {
    outputs: outputs.map((tensor, i) => {
      const values = int32Values(tensor);
      if (i === 0) values[0] = (values[0] ?? 0) + 1;
      return { ...tensor, data: new Uint8Array(values.buffer) };
    }),
    interior,
  };
}

export const FORGERIES = {
  constant: async (at) => filled(modelOf(at), () => 0.5),
  cached,
  random: async (at, { random }) => filled(modelOf(at), () => random.normal()),
  fp16: run('fp16'),
  int8: run('int8'),
  int4: run('int4'),
  pruned: run('pruned'),
  tampered: run('tampered'),
  'one-weight': oneWeight,
  'off-by-one': offByOne,
  rounded: run('rounded'),
  coarse: run('coarse'),
} as const satisfies Record<string, Forgery>;
export type ForgeryName = keyof typeof FORGERIES;
