import { elements, offsets, strides, type Value } from './value.ts';

/** NumPy's broadcasting. */
export function zip(a: Value, b: Value, f: (a: number, b: number) => number): Value {
  const rank = Math.max(a.shape.length, b.shape.length);
  const padded = (shape: readonly number[]): number[] => [
    ...Array.from({ length: rank - shape.length }, () => 1),
    ...shape,
  ];
  const [left, right] = [padded(a.shape), padded(b.shape)];
  const shape = left.map((size, axis) => Math.max(size, right[axis] ?? 1));
  const reader = (own: number[]): Int32Array | null =>
    own.every((size, axis) => size === shape[axis])
      ? null
      : offsets(
          shape,
          strides(own).map((step, axis) => (own[axis] === 1 ? 0 : step)),
        );
  const [atA, atB] = [reader(left), reader(right)];
  const data = new Float64Array(elements(shape));
  for (let i = 0; i < data.length; i++)
    data[i] = f(a.data[atA?.[i] ?? i] ?? NaN, b.data[atB?.[i] ?? i] ?? NaN);
  return { shape, data };
}
