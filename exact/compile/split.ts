import { EXACT_BOUND } from '../format.ts';
import type { Context } from './context.ts';
import { fitWeights } from './fit-weights.ts';
import type { Summing } from './layout.ts';
import type { Target } from './plan.ts';
import { clipAndFloor, demandBound } from './requantise.ts';
import { at, mapChannels, type Typed } from './typed.ts';

/** A sum whose weights have fewer bits, in the channel in the middle, is split: the rounding of weights would be what is lost. */
export const ENOUGH_BITS = 7;
const MOST_PARTS = 8;
/** Parts are rounded on a grid this much finer than the result's, so that rounding them costs next to nothing. */
const PART_BITS = 3;

type Conv = Extract<Summing, { kind: 'conv' }>;

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Convolutions over all channels alone are split: others have few inputs for each result. */
const splittable = (op: Summing, parts: number): op is Conv =>
  op.kind === 'conv' && op.groups === 1 && (op.weight.shape[1] ?? 1) % parts === 0;

/** The convolution of every part of the input's channels by itself: groups, whose results come one part after the other. */
function partsOf(op: Conv, parts: number, half: (channel: number) => number): Conv {
  const [out = 1, channels = 1, height = 1, width = 1] = op.weight.shape;
  const size = (channels / parts) * height * width;
  const data = new Float64Array(op.weight.data.length);
  for (let part = 0; part < parts; part++)
    for (let o = 0; o < out; o++)
      for (let i = 0; i < size; i++)
        data[(part * out + o) * size + i] = op.weight.data[(o * parts + part) * size + i] ?? 0;
  return {
    ...op,
    output: `${op.output}/parts`,
    groups: parts,
    weight: { shape: [parts * out, channels / parts, height, width], data },
    // The bias goes with the first part.
    bias: Float64Array.from({ length: parts * out }, (_, i) => (i < out ? (op.bias[i] ?? 0) + half(i) : 0)),
  };
}

const repeated = (scale: Float64Array, out: number, parts: number): Float64Array =>
  Float64Array.from({ length: out * parts }, (_, i) => at(scale, i % out) * 2 ** -PART_BITS);

/**
 * Into how many parts a sum is to be split: as few as give weights bits enough. Results of one pixel, as gates have them, take
 * longer to split than to sum, and a gate does not need it.
 */
export function partsFor(
  op: Summing,
  x: Typed,
  { scale }: Target,
  pixels: number,
  weightBits: number,
): number {
  if (!splittable(op, 2) || pixels === 1) return 1;
  const out = op.weight.shape[0] ?? 1;
  let parts = 1;
  let bits = middle(fitWeights(op, x, scale).bits);
  while (bits < weightBits && parts < MOST_PARTS && splittable(op, 2 * parts)) {
    parts *= 2;
    bits = middle(
      fitWeights(
        partsOf(op, parts, () => 0),
        x,
        repeated(scale, out, parts),
      ).bits,
    );
  }
  return parts;
}

/**
 * A convolution by parts of its input's channels: each part passes the certificate by itself and is rounded to whole numbers on
 * a finer grid, and the parts are added: Conv with groups, Floor, Slice, Add, Mul, Clip, Floor.
 */
export function emitSplit(
  context: Context,
  op: Summing,
  x: Typed,
  target: Target,
  shape: readonly number[],
  parts: number,
  emitWhole: (context: Context, op: Summing, x: Typed, target: Target, shape: readonly number[]) => Typed,
): Typed {
  if (!splittable(op, parts)) throw new RangeError(`${op.name}: it cannot be split into ${parts}`);
  const { builder } = context;
  const out = op.weight.shape[0] ?? 1;
  const grouped = partsOf(op, parts, (c) => at(target.scale, c) / 2);
  const [batch = 1, , ...rest] = shape;
  // Far outside of what the result is clipped to; most parts cannot come there and need no Clip.
  const reach = Math.floor((EXACT_BOUND - 1) / parts) - 1;
  const partial = emitWhole(
    context,
    grouped,
    x,
    { ...target, scale: repeated(target.scale, out, parts), low: -reach, high: reach, final: false },
    [batch, parts * out, ...rest],
  );
  const note = context.notes.pop();
  if (note !== undefined) {
    // In units of the result, of whichever part is the coarsest.
    const coarsest = (c: number): number =>
      note.grids.reduce((least, k, i) => (i % out === c ? Math.min(least, k) : least), Infinity);
    const grids = Array.from({ length: out }, (_, c) => coarsest(c) + PART_BITS);
    context.notes.push({ ...note, grids, parts });
  }
  const bounds = (data: Float64Array, part: number): Float64Array => data.slice(part * out, (part + 1) * out);
  let sum = { name: '', low: new Float64Array(out), high: new Float64Array(out), fraction: 0 };
  for (let part = 0; part < parts; part++) {
    const range = [part * out, (part + 1) * out, 1].map((value) => builder.integers([value]));
    const slice = builder.node('Slice', [partial.name, ...range], `${op.output}/part${part}`);
    const [low, high] = [bounds(partial.low, part), bounds(partial.high, part)];
    sum = {
      name: part === 0 ? slice : builder.node('Add', [sum.name, slice], `${op.output}/upto${part}`),
      low: low.map((value, c) => value + (sum.low[c] ?? 0)),
      high: high.map((value, c) => value + (sum.high[c] ?? 0)),
      fraction: 0,
    };
    demandBound(op.name, 'a sum of parts', sum);
  }
  const step = 2 ** -PART_BITS;
  const scaled = {
    name: builder.node('Mul', [sum.name, builder.scalar(step)], `${op.output}/sum`),
    shape,
    low: sum.low.map((value) => value * step),
    high: sum.high.map((value) => value * step),
  };
  return {
    ...clipAndFloor(context, scaled, target.final ? null : target, op.output),
    shape,
    scale: mapChannels(out, (c) => at(target.scale, c)),
    zero: new Float64Array(out),
    fraction: 0,
  };
}
