import { type Graph, inputsOf, type Op, type ValueId } from '../graph.ts';
import { channelAxis } from '../import/draft.ts';
import { layerNorm, linear, matmul, softmax } from './features.ts';
import { conv, convTranspose, globalAverage, pool, upsample, type Values } from './images.ts';
import { concat, slice, transpose } from './layout.ts';

/**
 * A plain float64 interpreter of the graph: what a trained model computes, without a runtime. It is there to show that import
 * keeps the function, and shares no code with what compiles it but the shapes.
 */

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
const sigmoid = (value: number): number => 1 / (1 + Math.exp(-value));

function affine(op: Extract<Op, { kind: 'affine' }>, { shape, data }: Values): Float64Array {
  const sizes = shape(op.input);
  const axis = channelAxis(sizes);
  const inner = sizes.slice(axis + 1).reduce((product, size) => product * size, 1);
  const channels = sizes[axis] ?? 1;
  const at = (values: Float64Array, channel: number): number => values[values.length === 1 ? 0 : channel]!;
  return data(op.input).map((value, index) => {
    const channel = Math.floor(index / inner) % channels;
    return value * at(op.scale, channel) + at(op.shift, channel);
  });
}

/** A gate has one number a channel; otherwise both are as long. */
function mul([a, b]: readonly [ValueId, ValueId], { data }: Values): Float64Array {
  const gate = data(b);
  const each = data(a).length / gate.length;
  return data(a).map((value, index) => value * gate[Math.floor(index / each)]!);
}

function compute(op: Op, values: Values): Float64Array {
  const map = (id: ValueId, each: (value: number) => number): Float64Array => values.data(id).map(each);
  switch (op.kind) {
    case 'conv':
      return conv(op, values);
    case 'conv-transpose':
      return convTranspose(op, values);
    case 'linear':
      return linear(op, values);
    case 'matmul':
      return matmul(op, values);
    case 'add': {
      const other = values.data(op.inputs[1]);
      return values.data(op.inputs[0]).map((value, index) => value + other[index]!);
    }
    case 'mul':
      return mul(op.inputs, values);
    case 'affine':
      return affine(op, values);
    case 'clip':
      return map(op.input, (value) => clamp(value, op.low, op.high));
    case 'hard-swish':
      return map(op.input, (value) => value * clamp(value / 6 + 0.5, 0, 1));
    case 'hard-sigmoid':
      return map(op.input, (value) => clamp(op.alpha * value + op.beta, 0, 1));
    case 'sigmoid':
      return map(op.input, sigmoid);
    case 'silu':
      return map(op.input, (value) => value * sigmoid(value));
    case 'global-average':
      return globalAverage(op, values);
    case 'average-pool':
    case 'max-pool':
      return pool(op, values);
    case 'concat':
      return concat(op, values);
    case 'upsample':
      return upsample(op, values);
    case 'reshape':
      return values.data(op.input);
    case 'transpose':
      return transpose(op, values);
    case 'slice':
      return slice(op, values);
    case 'softmax':
      return softmax(op, values);
    case 'layer-norm':
      return layerNorm(op, values);
  }
}

/**
 * The outputs of `graph` for one image (row-major, as many numbers as the input's shape says), and the values named in `keep`.
 * What nobody reads any more is dropped on the way. Throws RangeError when the image has another size.
 */
export function runFloat(
  graph: Graph,
  image: Float64Array,
  keep: readonly ValueId[] = [],
): Map<ValueId, Float64Array> {
  const size = (graph.shapes.get(graph.input) ?? []).reduce((product, length) => product * length, 1);
  if (image.length !== size) throw new RangeError(`image: expected ${size} numbers, got ${image.length}`);
  const wanted = new Set([...keep, ...graph.outputs.map(({ value }) => value)]);
  const lastRead = new Map(graph.ops.flatMap((op, index) => inputsOf(op).map((id) => [id, index] as const)));
  const held = new Map([[graph.input, image]]);
  const values: Values = {
    shape: (id) => graph.shapes.get(id) ?? [],
    data: (id) => {
      const data = held.get(id);
      if (data === undefined) throw new Error(`graph: ${id} is read before it is made`);
      return data;
    },
  };
  for (const [index, op] of graph.ops.entries()) {
    held.set(op.output, compute(op, values));
    for (const id of inputsOf(op)) if (lastRead.get(id) === index && !wanted.has(id)) held.delete(id);
  }
  return new Map(
    [...wanted].flatMap((id) => {
      const data = held.get(id);
      return data === undefined ? [] : [[id, data] as const];
    }),
  );
}
