import { type Onnx, onnx } from '../onnx.ts';

/**
 * Small ONNX models for tests, spelled shortly: `model({...})` gives the bytes of a file. Opset 17 unless said otherwise; every
 * graph input and output is f32.
 */

export type TensorSpec = { shape: readonly number[]; data: ArrayLike<number>; type?: 'float' | 'int64' };

/** A number is an int, numbers are ints; floats and tensors say so. */
export type AttributeSpec =
  | number
  | readonly number[]
  | string
  | { float: number }
  | { floats: readonly number[] }
  | { tensor: TensorSpec };

export type NodeSpec = {
  operator: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: Readonly<Record<string, AttributeSpec>>;
  /** Otherwise the name of the first output. */
  name?: string;
  domain?: string;
};

export type ModelSpec = {
  opset?: number;
  /** Shapes; a string names a dynamic size. */
  inputs: Readonly<Record<string, readonly (number | string)[]>>;
  initializers?: Readonly<Record<string, TensorSpec>>;
  nodes: readonly NodeSpec[];
  outputs: readonly string[];
};

const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

/** A tensor with its data in raw bytes, as exporters write it. */
export function tensorProto({ shape, data, type = 'float' }: TensorSpec, name = ''): Onnx.ITensorProto {
  const values = Array.from(data);
  const raw = type === 'float' ? new Float32Array(values) : new BigInt64Array(values.map(BigInt));
  return {
    name,
    dims: [...shape],
    dataType: type === 'float' ? DataType.FLOAT : DataType.INT64,
    rawData: new Uint8Array(raw.buffer),
  };
}

function attributeProto(name: string, value: AttributeSpec): Onnx.IAttributeProto {
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: value };
  if (typeof value === 'string')
    return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  if ('floats' in value) return { name, type: AttributeType.FLOATS, floats: [...value.floats] };
  if ('tensor' in value) return { name, type: AttributeType.TENSOR, t: tensorProto(value.tensor, name) };
  return { name, type: AttributeType.INTS, ints: [...value] };
}

const valueInfo = (name: string, shape?: readonly (number | string)[]): Onnx.IValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: DataType.FLOAT,
      ...(shape && {
        shape: {
          dim: shape.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size })),
        },
      }),
    },
  },
});

/** The file of a model. Nothing is checked: tests also want models that do not hold together. */
export function model(spec: ModelSpec): Uint8Array {
  const initializers = Object.entries(spec.initializers ?? {});
  return onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: spec.opset ?? 17 }],
    graph: {
      name: 'test',
      input: Object.entries(spec.inputs).map(([name, shape]) => valueInfo(name, shape)),
      output: spec.outputs.map((name) => valueInfo(name)),
      initializer: initializers.map(([name, tensor]) => tensorProto(tensor, name)),
      node: spec.nodes.map((node) => ({
        opType: node.operator,
        name: node.name ?? node.outputs[0] ?? '',
        domain: node.domain ?? '',
        input: [...node.inputs],
        output: [...node.outputs],
        attribute: Object.entries(node.attributes ?? {}).map(([name, value]) => attributeProto(name, value)),
      })),
    },
  }).finish();
}
