import { encode as varint } from 'uint8-varint';
import { concatBytes } from '../../../protocol/bytes.ts';

/**
 * Just enough of ONNX's file format (onnx.proto3, opset 17) to spell a graph of a few nodes. Field numbers are those of the
 * schema; the wire format is protocol buffers'.
 */
export type NodeSpec = {
  operator: string;
  inputs: readonly string[];
  output: string;
  /** Whole numbers, or lists of them. */
  attributes?: Readonly<Record<string, number | readonly number[]>>;
};
export type Shaped = { name: string; dims: readonly number[] };
export type GraphSpec = {
  inputs: readonly Shaped[];
  weights: readonly (Shaped & { values: ArrayLike<number> })[];
  nodes: readonly NodeSpec[];
  outputs: readonly Shaped[];
};

const [FLOAT, INT32] = [1, 6];
/** AttributeProto.AttributeType. */
const [INT, INTS] = [2, 7];

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const number = (field: number, value: number): Uint8Array => concatBytes(varint(field << 3), varint(value));
const content = (field: number, bytes: Uint8Array): Uint8Array =>
  concatBytes(varint((field << 3) | 2), varint(bytes.length), bytes);

function attribute(name: string, value: number | readonly number[]): Uint8Array {
  const fields =
    typeof value === 'number'
      ? [number(3, value), number(20, INT)]
      : [...value.map((one) => number(8, one)), number(20, INTS)];
  return concatBytes(content(1, text(name)), ...fields);
}

const node = ({ operator, inputs, output, attributes = {} }: NodeSpec): Uint8Array =>
  concatBytes(
    ...inputs.map((name) => content(1, text(name))),
    content(2, text(output)),
    content(3, text(output)),
    content(4, text(operator)),
    ...Object.entries(attributes).map(([name, value]) => content(5, attribute(name, value))),
  );

const initializer = ({ name, dims, values }: GraphSpec['weights'][number]): Uint8Array =>
  concatBytes(
    ...dims.map((dim) => number(1, dim)),
    number(2, FLOAT),
    content(8, text(name)),
    content(9, new Uint8Array(Float32Array.from(values).buffer)),
  );

function valueInfo({ name, dims }: Shaped, element: number): Uint8Array {
  const shape = concatBytes(...dims.map((dim) => content(1, number(1, dim))));
  const tensor = concatBytes(number(1, element), content(2, shape));
  return concatBytes(content(1, text(name)), content(2, content(1, tensor)));
}

/** A file with float inputs and weights and int32 outputs: the nodes have to cast. */
export function onnxFile({ inputs, weights, nodes, outputs }: GraphSpec): Uint8Array<ArrayBuffer> {
  const graph = concatBytes(
    ...nodes.map((one) => content(1, node(one))),
    content(2, text('battery')),
    ...weights.map((one) => content(5, initializer(one))),
    ...inputs.map((one) => content(11, valueInfo(one, FLOAT))),
    ...outputs.map((one) => content(12, valueInfo(one, INT32))),
  );
  return new Uint8Array(
    concatBytes(
      number(1, 8),
      content(7, graph),
      content(8, concatBytes(content(1, text('')), number(2, 17))),
    ),
  );
}
