import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { DTYPE_BYTES, elementCount, type DType, type Tensor } from '../../protocol/tensor.ts';

/** A tensor of a model's signature: name, element type, shape. */
export type Signature = Omit<Tensor, 'data'>;

/** Element storage as onnxruntime has it, by protocol dtype; bool is a byte. */
export type Elements = Float32Array | Int32Array | BigInt64Array | Uint8Array;

const sameDims = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i]);
const shape = (s: { dtype: string; dims: readonly number[] }): string => `${s.dtype}[${s.dims.join(',')}]`;

/**
 * Whether `tensors` are exactly the model's inputs, in order: names, element types, shapes and byte lengths. The node
 * sent them, and a runtime that reads past a buffer must not be the one to notice.
 */
export function checkTensors(
  tensors: readonly Tensor[],
  signature: readonly Signature[],
): Outcome<void, 'UNSUPPORTED'> {
  if (tensors.length !== signature.length) {
    return fail('UNSUPPORTED', `expected ${signature.length} tensors, got ${tensors.length}`);
  }
  for (const [i, want] of signature.entries()) {
    const got = tensors[i]!;
    if (got.name !== want.name)
      return fail('UNSUPPORTED', `tensor ${i}: expected ${want.name}, got ${got.name}`);
    if (got.dtype !== want.dtype || !sameDims(got.dims, want.dims)) {
      return fail('UNSUPPORTED', `tensor ${want.name}: expected ${shape(want)}, got ${shape(got)}`);
    }
    if (got.data.length !== elementCount(want.dims) * DTYPE_BYTES[want.dtype]) {
      return fail('UNSUPPORTED', `tensor ${want.name}: ${got.data.length} bytes are not ${shape(want)}`);
    }
  }
  return ok(undefined);
}

/** The elements of a tensor, copied so that alignment does not matter (all platforms of WebGPU are little-endian). */
export function elementsOf({ dtype, data }: Pick<Tensor, 'dtype' | 'data'>): Elements {
  const buffer = data.slice().buffer;
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer);
  }
}

/** What a runtime gave for one output. */
export type RawOutput = { type: string; dims: readonly number[]; data: unknown };

/** A runtime's output as a protocol tensor (copied), if it is exactly what the signature says. */
export function outputTensor(raw: RawOutput | undefined, want: Signature): Outcome<Tensor, 'RUNTIME_FAILED'> {
  if (raw === undefined) return fail('RUNTIME_FAILED', `the model gave no output ${want.name}`);
  const { data } = raw;
  if (raw.type !== want.dtype || !sameDims(raw.dims, want.dims) || !isElements(data, want.dtype)) {
    const got = shape({ dtype: raw.type, dims: raw.dims });
    return fail('RUNTIME_FAILED', `output ${want.name}: expected ${shape(want)}, got ${got}`);
  }
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return ok({ name: want.name, dtype: want.dtype, dims: [...want.dims], data: bytes });
}

function isElements(data: unknown, dtype: DType): data is Elements {
  switch (dtype) {
    case 'float32':
      return data instanceof Float32Array;
    case 'int32':
      return data instanceof Int32Array;
    case 'int64':
      return data instanceof BigInt64Array;
    case 'uint8':
    case 'bool':
      return data instanceof Uint8Array;
  }
}
