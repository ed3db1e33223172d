import { readFile } from 'node:fs/promises';
import * as ort from 'onnxruntime-web/wasm';
import { sha256Hex } from '../../../../protocol/bytes.ts';
import { DTYPE_BYTES, type DType, elementCount, type Tensor } from '../../../../protocol/tensor.ts';
import type { ModelFile } from './messages.ts';

// One thread: the order of additions, and so every bit, is the same on every machine; parallelism comes from the pool.
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** A session over the model's file. Throws when the file is missing, has another hash, or does not load. */
export async function openSession(
  { path, sha256 }: ModelFile,
  options: ort.InferenceSession.SessionOptions = {},
): Promise<ort.InferenceSession> {
  const file = await readFile(path);
  if (sha256Hex(file) !== sha256)
    throw new Error(`${path} is not the file of the catalogue (sha256 differs)`);
  return ort.InferenceSession.create(file, { ...options, executionProviders: ['wasm'] });
}

/** The tensors of one of onnxruntime's packages; calibration runs another than ours. */
type OrtTensor = typeof ort.Tensor;

/** A copy in ArrayBuffers of their own, aligned to the element, as typed arrays need it. */
function toOrt(Ort: OrtTensor, { dtype, dims, data }: Tensor): ort.Tensor {
  const buffer = data.slice().buffer;
  switch (dtype) {
    case 'float32':
      return new Ort('float32', new Float32Array(buffer), dims);
    case 'int32':
      return new Ort('int32', new Int32Array(buffer), dims);
    case 'int64':
      return new Ort('int64', new BigInt64Array(buffer), dims);
    case 'uint8':
      return new Ort('uint8', new Uint8Array(buffer), dims);
    case 'bool':
      return new Ort('bool', new Uint8Array(buffer), dims);
  }
}

const isDType = (type: string): type is DType => Object.hasOwn(DTYPE_BYTES, type);

function fromOrt(name: string, tensor: ort.Tensor): Tensor {
  const { type, data, dims } = tensor;
  if (!isDType(type) || !ArrayBuffer.isView(data))
    throw new Error(`output ${name}: ${type} cannot cross the network`);
  const copy = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  if (copy.length !== elementCount(dims) * DTYPE_BYTES[type])
    throw new Error(`output ${name}: data does not match its dims`);
  return { name, dtype: type, dims: [...dims], data: copy };
}

/** Runs once. `outputs` names what is wanted, in order. Throws when the model refuses its inputs or lacks an output. */
export async function runSession(
  session: ort.InferenceSession,
  inputs: readonly Tensor[],
  outputs: readonly string[],
  Ort: OrtTensor = ort.Tensor,
): Promise<Tensor[]> {
  const feeds = Object.fromEntries(inputs.map((tensor) => [tensor.name, toOrt(Ort, tensor)]));
  const results = await session.run(feeds, [...outputs]);
  return outputs.map((name) => {
    const tensor = results[name];
    if (tensor === undefined) throw new Error(`the model has no output ${name}`);
    return fromOrt(name, tensor);
  });
}
