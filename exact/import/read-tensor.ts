import { type Onnx, onnx } from '../onnx.ts';
import { malformed, Refusal } from './refusal.ts';
import { elements, type Tensor } from './tensor.ts';

const { DataType, DataLocation } = onnx.TensorProto;

type Int64 = NonNullable<Onnx.IAttributeProto['i']>;

/** protobufjs gives 64-bit numbers as objects; beyond 2^53 they are rounded. */
export const toNumber = (value: Int64): number => (typeof value === 'number' ? value : value.toNumber());

type Layout = {
  type: Tensor['type'];
  bytes: number;
  read: (view: DataView, offset: number) => number;
  /** The field that holds the elements when they are not raw bytes. */
  field: (tensor: Onnx.ITensorProto) => readonly number[];
};

const float16 = new Uint16Array(1);
const asFloat16 = new Float16Array(float16.buffer);
/** The number whose binary16 pattern is `bits`. */
function fromHalf(bits: number): number {
  float16[0] = bits;
  return asFloat16[0] ?? 0;
}

const int32Field = (tensor: Onnx.ITensorProto): readonly number[] => tensor.int32Data ?? [];
const int64Field = (tensor: Onnx.ITensorProto): readonly number[] => (tensor.int64Data ?? []).map(toNumber);

/** The element types of trained networks (onnx.proto, TensorProto.DataType, which says where each is kept). */
const LAYOUTS: ReadonlyMap<number, Layout> = new Map<number, Layout>([
  [
    DataType.FLOAT,
    {
      type: 'float',
      bytes: 4,
      read: (view, at) => view.getFloat32(at, true),
      field: (t) => t.floatData ?? [],
    },
  ],
  [
    DataType.DOUBLE,
    {
      type: 'float',
      bytes: 8,
      read: (view, at) => view.getFloat64(at, true),
      field: (t) => t.doubleData ?? [],
    },
  ],
  [
    DataType.FLOAT16,
    {
      type: 'float',
      bytes: 2,
      read: (view, at) => view.getFloat16(at, true),
      field: (t) => int32Field(t).map(fromHalf),
    },
  ],
  [
    DataType.INT64,
    { type: 'int', bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)), field: int64Field },
  ],
  [DataType.INT32, { type: 'int', bytes: 4, read: (view, at) => view.getInt32(at, true), field: int32Field }],
  [DataType.INT8, { type: 'int', bytes: 1, read: (view, at) => view.getInt8(at), field: int32Field }],
  [DataType.UINT8, { type: 'int', bytes: 1, read: (view, at) => view.getUint8(at), field: int32Field }],
  [DataType.BOOL, { type: 'int', bytes: 1, read: (view, at) => view.getUint8(at), field: int32Field }],
]);

/** Whether values of an ONNX element type are whole numbers; null for a type that is not known. */
export const numberType = (dataType: number): Tensor['type'] | null => LAYOUTS.get(dataType)?.type ?? null;

/** Throws Refusal when the bytes are not as many as the shape says, lie in another file, or are of an unknown type. */
export function readTensor(tensor: Onnx.ITensorProto, what: string): Tensor {
  if (tensor.dataLocation === DataLocation.EXTERNAL)
    throw new Refusal('UNSUPPORTED', `${what}: the data lie in another file`);
  const layout = LAYOUTS.get(tensor.dataType ?? 0);
  if (layout === undefined)
    throw new Refusal(
      'UNSUPPORTED',
      `${what}: element type ${DataType[tensor.dataType ?? 0] ?? tensor.dataType}`,
    );
  const shape = (tensor.dims ?? []).map(toNumber);
  const count = elements(shape, what);
  const raw = tensor.rawData ?? new Uint8Array();
  const given = raw.length > 0 ? raw.length / layout.bytes : layout.field(tensor).length;
  if (given !== count) throw malformed(`${what}: ${given} elements for [${shape.join(', ')}]`);
  if (raw.length === 0) return { type: layout.type, shape, data: Float64Array.from(layout.field(tensor)) };
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = Float64Array.from({ length: count }, (_, index) => layout.read(view, index * layout.bytes));
  return { type: layout.type, shape, data };
}
