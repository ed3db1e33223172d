/** A tensor of the interpreter: row-major float64. */
export type Value = { shape: readonly number[]; data: Float64Array };

export const elements = (shape: readonly number[]): number => shape.reduce((all, size) => all * size, 1);

/** By axis, the step in `data` from one index to the next. */
export function strides(shape: readonly number[]): number[] {
  const steps = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    steps[axis] = (steps[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return steps;
}

/** For each element of `shape` in order, where a reader with these steps looks. */
export function offsets(shape: readonly number[], steps: readonly number[]): Int32Array {
  let at = new Int32Array([0]);
  for (const [axis, size] of shape.entries()) {
    const step = steps[axis] ?? 0;
    const next = new Int32Array(at.length * size);
    for (let i = 0; i < at.length; i++)
      for (let k = 0; k < size; k++) next[i * size + k] = (at[i] ?? 0) + k * step;
    at = next;
  }
  return at;
}

export const map = ({ shape, data }: Value, f: (value: number) => number): Value => ({
  shape,
  data: data.map((value) => f(value)),
});
