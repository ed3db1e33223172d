import { errorText } from '../../protocol/outcome.ts';
import { EXACT_OPSET, METADATA } from '../format.ts';
import { type Onnx, onnx } from '../onnx.ts';
import { type Metadata, readMetadata } from './metadata.ts';
import { malformed, uncertified } from './problem.ts';
import { integer, readTensor, type Tensor } from './tensor.ts';

/** A compiled model as its file spells it: well formed and with nothing in it that the checker does not look at. */
export type ExactModel = {
  /** Sizes of one image; axis 0 is the batch, given as 1. */
  input: { name: string; shape: readonly number[] };
  outputs: readonly { name: string; shape: readonly (number | null)[] | null }[];
  /** In an order in which every tensor is made before it is used. */
  nodes: readonly Node[];
  constants: ReadonlyMap<string, Tensor>;
  metadata: Metadata;
};

/** A number is an int, numbers are ints; floats say so. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

export type Node = {
  /** ONNX's, or that of its output. */
  name: string;
  op: string;
  /** '' where an optional input is left out. */
  inputs: readonly string[];
  /** Every operator of the dialect has one. */
  output: string;
  attributes: ReadonlyMap<string, Attribute>;
};

const FLOAT: number = onnx.TensorProto.DataType.FLOAT;
const INT32: number = onnx.TensorProto.DataType.INT32;
const { AttributeType } = onnx.AttributeProto;

/**
 * Reads a file whose bytes may be hostile. The encoding must be the canonical one: fields in order, none unknown, none twice.
 * Another reader of ONNX, with other or newer rules for what it skips, then sees the very same model.
 * Throws Problem.
 */
export function readModel(file: Uint8Array): ExactModel {
  let model: Onnx.ModelProto;
  let again: Uint8Array;
  try {
    model = onnx.ModelProto.decode(file);
    again = onnx.ModelProto.encode(model).finish();
  } catch (error) {
    throw malformed(`not an ONNX file: ${errorText(error)}`);
  }
  if (Buffer.compare(file, again) !== 0)
    throw malformed('not in the canonical encoding: fields are unknown, repeated or out of order');
  const { graph } = model;
  if (graph == null) throw malformed('no ONNX model: it has no graph');
  const [opset, ...furtherOpsets] = model.opsetImport;
  if (opset?.domain || integer(opset?.version) !== EXACT_OPSET || furtherOpsets.length > 0)
    throw uncertified(`opset ${EXACT_OPSET} of the default domain, and no other, is known`);
  const present = [
    ['functions', model.functions],
    ['training info', model.trainingInfo],
    ['sparse initializers', graph.sparseInitializer],
    ['quantization annotations', graph.quantizationAnnotation],
    ['shapes of interior values', graph.valueInfo],
  ] as const;
  for (const [what, list] of present)
    if (list != null && list.length > 0) throw uncertified(`the dialect has no ${what}`);

  const constants = new Map<string, Tensor>();
  for (const tensor of graph.initializer ?? []) {
    const name = tensor.name ?? '';
    if (name === '' || constants.has(name))
      throw malformed(`initializer '${name}' is there twice or has no name`);
    constants.set(name, readTensor(tensor, name));
  }
  const [input, ...furtherInputs] = (graph.input ?? []).map(readInput);
  if (input === undefined || furtherInputs.length > 0) throw uncertified('a compiled model has one input');
  const nodes = (graph.node ?? []).map(readNode);
  const outputs = (graph.output ?? []).map(readOutput);
  checkNames(input.name, constants, nodes, outputs);
  const metadata = readMetadata(model.metadataProps ?? [], new Set(outputs.map(({ name }) => name)));
  if (metadata.format !== '1') throw uncertified(`${METADATA.format}: only '1' is known`);
  return { input, outputs, ...widen(nodes, constants), metadata };
}

/**
 * Weights that are stored as f16: their Cast to f32 and what it reads become the constant of f32 that they are. Throws Problem
 * where anything else reads an f16.
 */
function widen(
  nodes: readonly Node[],
  constants: ReadonlyMap<string, Tensor>,
): Pick<ExactModel, 'nodes' | 'constants'> {
  const wide = new Map([...constants].filter(([, { dtype }]) => dtype !== 'f16'));
  const left: Node[] = [];
  for (const node of nodes) {
    const [stored, ...further] = node.inputs.map((name) => constants.get(name));
    if (![stored, ...further].some((constant) => constant?.dtype === 'f16')) {
      left.push(node);
      continue;
    }
    const { name, op, output, attributes } = node;
    if (op !== 'Cast' || stored === undefined || further.length > 0)
      throw uncertified(`${name} (${op}): only a Cast may read f16`);
    if (attributes.size !== 1 || attributes.get('to') !== FLOAT)
      throw uncertified(`${name} (${op}): f16 is cast to f32, and nothing else`);
    wide.set(output, { ...stored, dtype: 'f32' });
  }
  return { nodes: left, constants: wide };
}

/** Throws Problem unless every name is made once, before it is used. */
function checkNames(
  input: string,
  constants: ReadonlyMap<string, Tensor>,
  nodes: readonly Node[],
  outputs: ExactModel['outputs'],
): void {
  // An initializer of the input's name would be a default value that a caller can override.
  if (constants.has(input)) throw malformed(`${input} is both input and initializer`);
  const known = new Set([input, ...constants.keys()]);
  for (const node of nodes) {
    for (const name of node.inputs)
      if (name !== '' && !known.has(name)) throw malformed(`${node.name}: ${name} is not made before it`);
    if (known.has(node.output)) throw malformed(`${node.name}: ${node.output} is made twice`);
    known.add(node.output);
  }
  if (outputs.length === 0) throw malformed('the model has no output');
  if (new Set(outputs.map(({ name }) => name)).size !== outputs.length)
    throw malformed('an output is named twice');
  const made = new Set(nodes.map(({ output }) => output));
  for (const { name } of outputs) if (!made.has(name)) throw malformed(`output ${name} is made by no node`);
}

function readNode(node: Onnx.INodeProto): Node {
  const [output, ...further] = node.output ?? [];
  const op = node.opType ?? '';
  const name = node.name || output || op;
  if (node.domain) throw uncertified(`${name}: operator ${node.domain}.${op} is not in the dialect`);
  if (!output || further.length > 0) throw uncertified(`${name} (${op}): one output is expected`);
  const attributes = new Map<string, Attribute>();
  for (const attribute of node.attribute ?? []) {
    const key = attribute.name ?? '';
    if (attributes.has(key)) throw malformed(`${name}: attribute ${key} is there twice`);
    attributes.set(key, readAttribute(attribute, `${name} (${op}): attribute ${key}`));
  }
  return { name, op, inputs: node.input ?? [], output, attributes };
}

function readAttribute(attribute: Onnx.IAttributeProto, what: string): Attribute {
  if (attribute.refAttrName) throw uncertified(`${what} refers to a function's`);
  const { type, i, f, s, ints } = attribute;
  if (type === AttributeType.INT) return integer(i);
  if (type === AttributeType.FLOAT) return { float: f ?? 0 };
  if (type === AttributeType.STRING) return new TextDecoder().decode(s ?? new Uint8Array());
  if (type === AttributeType.INTS) return (ints ?? []).map(integer);
  throw uncertified(`${what} is of a type that no operator of the dialect has`);
}

/** The declared type; dims that are symbolic are null, a missing shape is null. */
function readInfo({ name, type }: Onnx.IValueInfoProto): {
  name: string;
  elemType: number;
  shape: (number | null)[] | null;
} {
  const tensor = type?.tensorType;
  if (!name || tensor == null) throw malformed(`${name ?? ''}: not declared as a tensor`);
  const dims = tensor.shape?.dim;
  const shape = dims?.map(({ dimValue }) => (dimValue == null ? null : integer(dimValue))) ?? null;
  return { name, elemType: tensor.elemType ?? 0, shape };
}

function readInput(info: Onnx.IValueInfoProto): ExactModel['input'] {
  const { name, elemType, shape } = readInfo(info);
  if (elemType !== FLOAT) throw uncertified(`input ${name}: f32 is expected`);
  const [batch, ...sizes] = shape ?? [];
  if (batch !== null || sizes.length === 0)
    throw uncertified(`input ${name}: [N, sizes...] with a symbolic N is expected`);
  return {
    name,
    shape: [
      1,
      ...sizes.map((size) => {
        if (size === null || size < 1) throw uncertified(`input ${name}: only axis 0 may be symbolic`);
        return size;
      }),
    ],
  };
}

function readOutput(info: Onnx.IValueInfoProto): ExactModel['outputs'][number] {
  const { name, elemType, shape } = readInfo(info);
  if (elemType !== INT32) throw uncertified(`output ${name}: int32 is expected`);
  return { name, shape };
}
