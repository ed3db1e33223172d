import { concatBytes } from '../../protocol/bytes.ts';
import type { DType, Tensor } from '../../protocol/tensor.ts';
import { encode as varint } from 'uint8-varint';

/** Field numbers of onnx.proto3 (ONNX 1.x), and its codes for element types. */
const FIELD = {
  'ModelProto.graph': 7,
  'GraphProto.output': 12,
  'ValueInfoProto.name': 1,
  'ValueInfoProto.type': 2,
  'TypeProto.tensor_type': 1,
  'TypeProto.Tensor.elem_type': 1,
} as const;
const ELEMENT: Record<DType, number> = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 };

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** A length-delimited field of the protocol buffers' wire format: tag, length, content. */
const field = (name: keyof typeof FIELD, content: Uint8Array): Uint8Array =>
  concatBytes(varint((FIELD[name] << 3) | LENGTH_DELIMITED), varint(content.length), content);

/** An `output` entry with name and element type; onnxruntime infers the shape. */
function output({ name, dtype }: Pick<Tensor, 'name' | 'dtype'>): Uint8Array {
  const element = concatBytes(
    varint((FIELD['TypeProto.Tensor.elem_type'] << 3) | VARINT),
    varint(ELEMENT[dtype]),
  );
  const type = field('ValueInfoProto.type', field('TypeProto.tensor_type', element));
  return field(
    'GraphProto.output',
    concatBytes(field('ValueInfoProto.name', new TextEncoder().encode(name)), type),
  );
}

/**
 * An ONNX file that gives tensors inside its graph as further outputs. `graph` is a singular field, and parsers merge one
 * that comes twice (protobuf.dev, Encoding, "Last One Wins": embedded messages are merged, repeated fields concatenated),
 * so a graph of nothing but outputs is appended and every byte of the original stays.
 */
export const withInterior = (
  file: Uint8Array,
  interior: readonly Pick<Tensor, 'name' | 'dtype'>[],
): Uint8Array => concatBytes(file, field('ModelProto.graph', concatBytes(...interior.map(output))));
