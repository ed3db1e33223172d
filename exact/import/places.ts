import type { Use } from './use.ts';

/**
 * Parameters that say where: the same for constants, which are folded, and for activations, which are lowered. Opsets moved
 * them from attributes to inputs.
 */

/** Of Reshape: 0 copies a size, −1 is what is left. */
export function reshapeTarget(use: Use, shape: readonly number[]): number[] {
  const wanted = use.list('shape', 1);
  if (wanted === undefined) throw use.refuse('it has no shape');
  const copies = use.number('allowzero', 0) === 0;
  const target = wanted.map((size, axis) => (size === 0 && copies ? (shape[axis] ?? 0) : size));
  const total = shape.reduce((product, size) => product * size, 1);
  const known = target.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const free = target.indexOf(-1);
  if (free >= 0) target[free] = known === 0 ? 0 : total / known;
  const fits = target.every((size) => Number.isInteger(size) && size >= 0);
  if (!fits || target.reduce((product, size) => product * size, 1) !== total)
    throw use.refuse(`[${shape.join(', ')}] does not reshape to [${wanted.join(', ')}]`);
  return target;
}

/** Of Squeeze: which axes go. */
export function squeezedAxes(use: Use, shape: readonly number[]): number[] {
  const axes = use.list('axes', 1)?.map((axis) => use.axis(axis, shape.length));
  const gone = axes ?? [...shape.keys()].filter((axis) => shape[axis] === 1);
  if (gone.some((axis) => shape[axis] !== 1))
    throw use.refuse(`an axis of [${shape.join(', ')}] to squeeze is not 1`);
  return gone;
}

/** Of Unsqueeze: which axes of the result are new. */
export function unsqueezedAxes(use: Use, rank: number): number[] {
  const axes = use.list('axes', 1);
  if (axes === undefined) throw use.refuse('it has no axes');
  const added = axes.map((axis) => use.axis(axis, rank + axes.length));
  if (new Set(added).size !== added.length) throw use.refuse('an axis comes twice');
  return added;
}

/** Of Transpose: by axis of the result, the axis of the input. */
export function permutationOf(use: Use, rank: number): number[] {
  const permutation = use.numbers('perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const axes = permutation.map((axis) => use.axis(axis, rank));
  if (axes.length !== rank || new Set(axes).size !== rank)
    throw use.refuse(`perm [${axes.join(', ')}] is none of ${rank} axes`);
  return axes;
}

export type Range = { axis: number; start: number; end: number; step: number };

/** Of Slice: by axis, what stays; axes that stay whole are left out. */
export function slicedRanges(use: Use, shape: readonly number[]): Range[] {
  const starts = use.list('starts', 1);
  const ends = use.list('ends', 2);
  if (starts === undefined || ends === undefined) throw use.refuse('it has no starts or ends');
  const axes = use.list('axes', 3) ?? [...starts.keys()];
  const steps = use.list('steps', 4) ?? starts.map(() => 1);
  return starts.flatMap((from, index) => {
    const axis = use.axis(axes[index] ?? -1, shape.length);
    const size = shape[axis] ?? 0;
    const step = steps[index] ?? 1;
    if (step < 1) throw use.refuse(`step ${step}: only forwards is known`);
    const place = (at: number): number => Math.min(Math.max(at < 0 ? at + size : at, 0), size);
    const start = place(from);
    const end = Math.max(place(ends[index] ?? 0), start);
    return start === 0 && end === size && step === 1 ? [] : [{ axis, start, end, step }];
  });
}
