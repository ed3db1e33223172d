import * as v from 'valibot';
import { MAX_TENSOR_BYTES, MAX_TENSOR_RANK } from './limits.ts';
import { bytes, text, uint } from './schema.ts';

/** Element types that may cross the network, with their size in bytes. Data is raw and little-endian. */
export const DTYPE_BYTES = { float32: 4, int32: 4, int64: 8, uint8: 1, bool: 1 } as const;
export type DType = keyof typeof DTYPE_BYTES;
export const DTYPES = Object.keys(DTYPE_BYTES) as [DType, ...DType[]];

/** A named tensor: `data` holds `product(dims)` elements of `dtype`, row-major, little-endian. */
export type Tensor = { name: string; dtype: DType; dims: number[]; data: Uint8Array };

export const elementCount = (dims: readonly number[]): number =>
  dims.reduce((product, dim) => product * dim, 1);

export const tensorSchema = v.pipe(
  v.strictObject({
    name: text,
    dtype: v.picklist(DTYPES),
    dims: v.pipe(v.array(uint(0x7fff_ffff)), v.maxLength(MAX_TENSOR_RANK)),
    data: bytes(0, MAX_TENSOR_BYTES),
  }),
  v.check(
    (t) => elementCount(t.dims) * DTYPE_BYTES[t.dtype] === t.data.length,
    'tensor data does not match its dims',
  ),
);

/** A float32 tensor over a copy of `values`. */
export function float32Tensor(name: string, dims: readonly number[], values: Float32Array): Tensor {
  const copy = values.slice();
  return { name, dtype: 'float32', dims: [...dims], data: new Uint8Array(copy.buffer) };
}

/** The elements of a float32 tensor, copied so that alignment does not matter. Throws TypeError on another dtype. */
export function float32Values(tensor: Tensor): Float32Array {
  if (tensor.dtype !== 'float32')
    throw new TypeError(`tensor ${tensor.name}: expected float32, got ${tensor.dtype}`);
  return new Float32Array(tensor.data.slice().buffer);
}

/** The elements of an int32 tensor, copied. Throws TypeError on another dtype. */
export function int32Values(tensor: Tensor): Int32Array {
  if (tensor.dtype !== 'int32')
    throw new TypeError(`tensor ${tensor.name}: expected int32, got ${tensor.dtype}`);
  return new Int32Array(tensor.data.slice().buffer);
}
