import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { MAX_TENSOR_BYTES, MAX_TENSOR_RANK } from './limits.ts';
import { DTYPE_BYTES, DTYPES, elementCount, float32Tensor, float32Values, tensorSchema } from './tensor.ts';

const valid = (value: unknown): boolean => v.safeParse(tensorSchema, value).success;
const tensor = { name: 'x', dtype: 'float32', dims: [2, 3], data: new Uint8Array(24) };

describe('tensor', () => {
  it.each(DTYPES)('takes %s of the right size', (dtype) => {
    expect(valid({ ...tensor, dtype, data: new Uint8Array(6 * DTYPE_BYTES[dtype]) })).toBe(true);
    expect(valid({ ...tensor, dtype, data: new Uint8Array(6 * DTYPE_BYTES[dtype] + 1) })).toBe(false);
  });

  it('takes scalars and empty tensors', () => {
    expect(elementCount([])).toBe(1);
    expect(valid({ ...tensor, dims: [], data: new Uint8Array(4) })).toBe(true);
    expect(valid({ ...tensor, dims: [0, 7], data: new Uint8Array(0) })).toBe(true);
  });

  it.each([
    ['an unknown type', { dtype: 'float16' }],
    ['a negative dimension', { dims: [-2, -3] }],
    ['a broken dimension', { dims: [1.5, 4] }],
    ['dimensions whose product overflows', { dims: [0x7fff_ffff, 0x7fff_ffff, 0x7fff_ffff] }],
    ['too high a rank', { dims: Array(MAX_TENSOR_RANK + 1).fill(1), data: new Uint8Array(4) }],
    ['too many bytes', { dims: [MAX_TENSOR_BYTES / 4 + 1], data: new Uint8Array(MAX_TENSOR_BYTES + 4) }],
    ['a plain array', { data: Array(24).fill(0) }],
    ['an unknown field', { layout: 'NCHW' }],
  ])('refuses %s', (_, over) => expect(valid({ ...tensor, ...over })).toBe(false));

  it('keeps float32 values, whatever their alignment', () => {
    const made = float32Tensor('y', [3], Float32Array.of(1.5, -0, Infinity));
    const shifted = new Uint8Array(13);
    shifted.set(made.data, 1);
    expect(float32Values({ ...made, data: shifted.subarray(1) })).toEqual(Float32Array.of(1.5, -0, Infinity));
    expect(() => float32Values({ ...made, dtype: 'int32' })).toThrow(TypeError);
  });

  it('copies what it is made of', () => {
    const values = Float32Array.of(1, 2);
    const made = float32Tensor('z', [2], values);
    values[0] = 9;
    expect(float32Values(made)[0]).toBe(1);
  });
});
