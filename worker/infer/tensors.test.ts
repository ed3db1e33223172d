import { describe, expect, it } from 'vitest';
import { float32Tensor } from '../../protocol/tensor.ts';
import { checkTensors, elementsOf, outputTensor } from './tensors.ts';

const x = float32Tensor('x', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
const wanted = { name: 'x', dtype: 'float32' as const, dims: [2, 3] };
const signature = [wanted];

describe('tensors', () => {
  it('takes what fits the signature', () => expect(checkTensors([x], signature).ok).toBe(true));

  it.each([
    ['another number of tensors', []],
    ['another name', [{ ...x, name: 'y' }]],
    ['another type', [{ ...x, dtype: 'int32' as const }]],
    ['another shape of the same size', [{ ...x, dims: [3, 2] }]],
    ['another rank', [{ ...x, dims: [6] }]],
    ['too few bytes', [{ ...x, data: x.data.subarray(4) }]],
  ])('refuses %s', (_, tensors) => {
    expect(checkTensors(tensors, signature)).toMatchObject({ ok: false, code: 'UNSUPPORTED' });
  });

  it('reads unaligned data of every type', () => {
    const bytes = new Uint8Array(17);
    bytes[1] = 7;
    const data = bytes.subarray(1);
    expect(elementsOf({ dtype: 'int64', data })).toEqual(BigInt64Array.of(7n, 0n));
    expect(elementsOf({ dtype: 'int32', data })).toEqual(Int32Array.of(7, 0, 0, 0));
    expect(elementsOf({ dtype: 'uint8', data })[0]).toBe(7);
    expect(elementsOf({ dtype: 'bool', data })).toHaveLength(16);
    expect(elementsOf(x)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
  });

  it('gives outputs back as raw bytes', () => {
    const raw = { type: 'float32', dims: [2, 3], data: elementsOf(x) };
    expect(outputTensor(raw, wanted)).toEqual({ ok: true, value: x });
  });

  it.each([
    ['no output', undefined],
    ['another type', { type: 'int32', dims: [2, 3], data: new Int32Array(6) }],
    ['another shape', { type: 'float32', dims: [6], data: new Float32Array(6) }],
    ['data of another type than stated', { type: 'float32', dims: [2, 3], data: new Int32Array(6) }],
  ])('refuses %s', (_, raw) => {
    expect(outputTensor(raw, wanted)).toMatchObject({ ok: false, code: 'RUNTIME_FAILED' });
  });
});
