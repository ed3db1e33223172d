import { type Onnx, onnx } from '../onnx.ts';
import { malformed, uncertified } from './problem.ts';

/** A constant of the file. The numbers are those that the file holds, exactly: every f32 is a float64. */
export type Tensor = {
  dtype: 'f16' | 'f32' | 'i64';
  shape: readonly number[];
  /** Row-major. */
  data: Float64Array;
};

const { DataType, DataLocation } = onnx.TensorProto;

/** Names and reader of each element type: bytes of one, and how it is read (ONNX's raw data are little-endian). */
const LAYOUTS: ReadonlyMap<
  number,
  readonly [Tensor['dtype'], number, (view: DataView, at: number) => number]
> = new Map([
  [DataType.FLOAT16, ['f16', 2, (view: DataView, at: number) => normal(view.getFloat16(at, true))]],
  [DataType.FLOAT, ['f32', 4, (view: DataView, at: number) => view.getFloat32(at, true)]],
  [DataType.INT64, ['i64', 8, (view: DataView, at: number) => safe(view.getBigInt64(at, true))]],
]);

const LEAST_NORMAL = 2 ** -14;

/** Smaller f16 numbers are what a device may take for 0. */
function normal(value: number): number {
  if (value !== 0 && Math.abs(value) < LEAST_NORMAL)
    throw uncertified(`${value} is a subnormal number of f16`);
  return value;
}

function safe(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw malformed(`${value} is beyond every size`);
  return number;
}

/** A 64-bit integer of protobufjs, as a number. Throws Problem beyond 2^53. */
export function integer(value: Onnx.IAttributeProto['i']): number {
  const number = typeof value === 'number' ? value : Number(BigInt((value ?? 0).toString()));
  if (!Number.isSafeInteger(number)) throw malformed(`${number} is beyond every size`);
  return number;
}

/** A gigabyte of float64 for one image: a file that says it needs more must not take the checker's memory. */
const MAX_ELEMENTS = 2 ** 27;

/** Bounds are kept for each channel; no trained model here has a tenth as many. */
const MAX_CHANNELS = 2 ** 16;

/** Throws Problem where a tensor of this shape would be too large to hold, or is of no size. */
export function checkSize(shape: readonly number[], what: string): void {
  if (shape.some((size) => !Number.isSafeInteger(size) || size < 1) || count(shape) > MAX_ELEMENTS)
    throw malformed(`${what}: a tensor of [${shape.join(', ')}]`);
}

/** Throws Problem where there are too many channels to keep bounds of each. */
export function checkChannels(channels: number, what: string): void {
  if (!(channels <= MAX_CHANNELS)) throw malformed(`${what}: ${channels} channels`);
}

export const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Reads an initializer; its data must lie in raw bytes, as compiled models have them. Throws Problem. */
export function readTensor(tensor: Onnx.ITensorProto, name: string): Tensor {
  const layout = LAYOUTS.get(tensor.dataType ?? 0);
  if (layout === undefined) throw uncertified(`initializer ${name}: only f32, f16 and int64 are known`);
  const elsewhere = [
    tensor.floatData,
    tensor.int32Data,
    tensor.int64Data,
    tensor.doubleData,
    tensor.uint64Data,
  ];
  if (
    (tensor.dataLocation ?? DataLocation.DEFAULT) !== DataLocation.DEFAULT ||
    (tensor.externalData ?? []).length > 0 ||
    tensor.segment != null ||
    elsewhere.some((data) => data != null && data.length > 0)
  )
    throw uncertified(`initializer ${name}: raw data are expected`);
  const shape = (tensor.dims ?? []).map(integer);
  checkSize(shape, `initializer ${name}`);
  const [dtype, bytes, read] = layout;
  const raw = tensor.rawData ?? new Uint8Array();
  const elements = count(shape);
  if (raw.length !== elements * bytes)
    throw malformed(`initializer ${name}: ${raw.length} bytes for [${shape.join(', ')}]`);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = new Float64Array(elements);
  for (let i = 0; i < elements; i++) data[i] = read(view, i * bytes);
  if (!data.every(Number.isFinite)) throw uncertified(`initializer ${name}: a value is not finite`);
  return { dtype, shape, data };
}
