import { elements, offsets, strides, type Value } from './value.ts';

/** Operators that move values. */

const gather = (data: Float64Array, from: Int32Array, start = 0): Float64Array =>
  Float64Array.from(from, (at) => data[start + at] ?? NaN);

export function transpose({ shape, data }: Value, order: readonly number[]): Value {
  const steps = strides(shape);
  const target = order.map((axis) => shape[axis] ?? 1);
  return {
    shape: target,
    data: gather(
      data,
      offsets(
        target,
        order.map((axis) => steps[axis] ?? 1),
      ),
    ),
  };
}

export function concat(inputs: readonly Value[], axis: number): Value {
  const [first] = inputs;
  const rank = first?.shape.length ?? 0;
  const at = axis < 0 ? axis + rank : axis;
  const size = inputs.reduce((sum, { shape }) => sum + (shape[at] ?? 0), 0);
  const shape = (first?.shape ?? []).map((other, index) => (index === at ? size : other));
  const outer = elements(shape.slice(0, at));
  const inner = elements(shape.slice(at + 1));
  const data = new Float64Array(elements(shape));
  let offset = 0;
  for (const input of inputs) {
    const run = (input.shape[at] ?? 0) * inner;
    for (let i = 0; i < outer; i++)
      data.set(input.data.subarray(i * run, (i + 1) * run), i * size * inner + offset);
    offset += run;
  }
  return { shape, data };
}

/** 0 copies a size, −1 is what is left. */
export function reshape({ shape, data }: Value, target: readonly number[]): Value {
  const known = target.map((size, axis) => (size === 0 ? (shape[axis] ?? 1) : size));
  const rest = elements(known.filter((size) => size !== -1));
  return { shape: known.map((size) => (size === -1 ? data.length / rest : size)), data };
}

export function slice(
  { shape, data }: Value,
  starts: readonly number[],
  ends: readonly number[],
  axes: readonly number[],
): Value {
  const steps = strides(shape);
  const target = [...shape];
  let origin = 0;
  for (const [index, given] of axes.entries()) {
    const axis = given < 0 ? given + shape.length : given;
    const size = shape[axis] ?? 0;
    const bound = (value: number): number => Math.min(size, Math.max(0, value < 0 ? value + size : value));
    const [start, end] = [bound(starts[index] ?? 0), bound(ends[index] ?? 0)];
    target[axis] = end - start;
    origin += start * (steps[axis] ?? 1);
  }
  return { shape: target, data: gather(data, offsets(target, steps), origin) };
}

/** Every pixel repeated, by whole factors. */
export function repeat({ shape, data }: Value, factors: ArrayLike<number>): Value {
  const steps = strides(shape);
  const target = shape.map((size, axis) => size * (factors[axis] ?? 1));
  // Each axis split into position and copy; copies read the same.
  const split = shape.flatMap((size, axis) => [size, factors[axis] ?? 1]);
  const from = offsets(
    split,
    steps.flatMap((step) => [step, 0]),
  );
  return { shape: target, data: gather(data, from) };
}
