import { malformed } from './refusal.ts';

/** A constant of the file while it is read and folded: f32 values, or whole numbers (sizes, indices, booleans as 0 and 1). */
export type Tensor = {
  type: 'float' | 'int';
  shape: readonly number[];
  /** Row-major. Whole numbers beyond 2^53 are rounded: exporters write INT64_MAX for "to the end". */
  data: Float64Array;
};

/** No tensor of a trained model here comes near it; a file that asks for more must not take the memory. */
const MAX_ELEMENTS = 2 ** 26;

/** Throws Refusal when a size is negative or broken, or when there are too many elements to hold. */
export function elements(shape: readonly number[], what: string): number {
  let count = 1;
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0)
      throw malformed(`${what}: size ${size} in [${shape.join(', ')}]`);
    count *= size;
  }
  if (count > MAX_ELEMENTS) throw malformed(`${what}: [${shape.join(', ')}] is too large`);
  return count;
}

/** The shape with its last size replaced. */
export const withLast = (shape: readonly number[], size: number): number[] =>
  shape.with(shape.length - 1, size);

/** By axis, the distance in `data` from one index to the next. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = Array.from(shape, () => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--)
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  return strides;
}

/** NumPy's broadcasting; null where the shapes do not fit. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return null;
    shape.push(x === 1 ? y : x);
  }
  return shape;
}

/** Row-major over `shape`: for each element the index into a tensor with `strides` (0 repeats it). */
export function* walk(shape: readonly number[], strides: readonly number[]): Generator<number> {
  const index = Array.from(shape, () => 0);
  if (shape.includes(0)) return;
  let offset = 0;
  for (;;) {
    yield offset;
    let axis = shape.length - 1;
    for (; axis >= 0; axis--) {
      const stride = strides[axis] ?? 0;
      const next = (index[axis] ?? 0) + 1;
      if (next < (shape[axis] ?? 1)) {
        index[axis] = next;
        offset += stride;
        break;
      }
      offset -= stride * (next - 1);
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/** The strides that read `shape` as if it were broadcast to `target`. */
export function broadcastStrides(shape: readonly number[], target: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const missing = target.length - shape.length;
  return target.map((_, axis) => (shape[axis - missing] === 1 ? 0 : (strides[axis - missing] ?? 0)));
}
