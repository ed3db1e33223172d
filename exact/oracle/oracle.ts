import { fail, type Outcome, ok } from '../../protocol/outcome.ts';
import { EXACT_BOUND } from '../format.ts';
import { infer } from '../check/infer.ts';
import { type ExactModel, readModel } from '../check/model.ts';
import { Problem } from '../check/problem.ts';
import type { TensorType } from '../check/type.ts';
import { compute } from './operators.ts';
import { elements, map, type Value } from './value.ts';

export type { Value } from './value.ts';

export type EvaluateOptions = {
  /** Further tensors to return, beside the outputs. */
  keep?: 'all' | readonly string[];
  /** What a backend makes of the exact result of Div or Sqrt. */
  guess?: (exact: number) => number;
  /** For controls that go beyond 2^24. */
  bound?: number;
};

/**
 * What a compiled model computes, straight from its file: a plain float64 interpreter, which no correct backend can differ from.
 * In passing it holds every value against the checker's word: DISPROVED names the first that is off its grid or out of its
 * range, which would be a fault in the checker, or an input out of bounds. `input` is [N, ...], of any N.
 */
export function evaluate(
  file: Uint8Array,
  input: Value,
  options: EvaluateOptions = {},
): Outcome<ReadonlyMap<string, Value>, 'MALFORMED' | 'UNCERTIFIED' | 'DISPROVED'> {
  let model: ExactModel;
  let types: ReadonlyMap<string, TensorType>;
  try {
    model = readModel(file);
    ({ types } = infer(model, options.bound ?? EXACT_BOUND));
  } catch (error) {
    if (error instanceof Problem) return fail(error.code, error.message);
    throw error;
  }
  return run(model, types, input, options);
}

function run(
  model: ExactModel,
  types: ReadonlyMap<string, TensorType>,
  input: Value,
  { keep = [], guess }: EvaluateOptions,
): Outcome<ReadonlyMap<string, Value>, 'DISPROVED'> {
  const values = new Map<string, Value>(model.constants);
  const kept = new Map<string, Value>();
  const wanted = new Set([...model.outputs.map(({ name }) => name), ...(keep === 'all' ? [] : keep)]);
  const lastUse = new Map(model.nodes.flatMap((node) => node.inputs.map((name) => [name, node])));
  const put = (name: string, value: Value): string | null => {
    values.set(name, value);
    if (keep === 'all' || wanted.has(name)) kept.set(name, value);
    const type = types.get(name);
    return type === undefined ? null : disproof(value, type);
  };

  const wrong = put(model.input.name, input);
  if (wrong !== null) return fail('DISPROVED', `${model.input.name}: ${wrong}`);
  for (const node of model.nodes) {
    let value = compute(node, values);
    if (guess !== undefined && (node.op === 'Div' || node.op === 'Sqrt')) value = map(value, guess);
    const disproved = put(node.output, value);
    if (disproved !== null) return fail('DISPROVED', `${node.name} (${node.op}): ${disproved}`);
    for (const name of node.inputs)
      if (lastUse.get(name) === node && !model.constants.has(name)) values.delete(name);
  }
  return ok(kept);
}

/** What about a tensor is not as its type says; null where all is. */
function disproof({ shape, data }: Value, type: TensorType): string | null {
  const [batch = 0] = shape;
  if (shape.length !== type.shape.length || shape.some((size, axis) => axis > 0 && size !== type.shape[axis]))
    return `[${shape.join(', ')}] where [N, ${type.shape.slice(1).join(', ')}] was proved`;
  if (data.length !== elements(shape)) return `${data.length} values for [${shape.join(', ')}]`;
  const { axis } = type;
  const channels = axis === null ? 1 : (shape[axis] ?? 1);
  const inner = axis === null ? elements(shape) / batch : elements(shape.slice(axis + 1));
  const runs = data.length / inner;
  for (let run = 0; run < runs; run++) {
    const channel = run % channels;
    const [low, high] = [type.low[channel] ?? NaN, type.high[channel] ?? NaN];
    const steps = 2 ** (type.fraction[channel] ?? NaN);
    for (let i = run * inner; i < (run + 1) * inner; i++) {
      const value = data[i] ?? NaN;
      if (!(value >= low && value <= high))
        return `channel ${channel}: ${value} where [${low}, ${high}] was proved`;
      if (!Number.isInteger(value * steps)) return `channel ${channel}: ${value} is off the grid 1/${steps}`;
    }
  }
  return null;
}
