import { errorText } from '../../protocol/outcome.ts';
import { type Onnx, onnx } from '../onnx.ts';
import { readTensor, toNumber } from './read-tensor.ts';
import { malformed, Refusal } from './refusal.ts';
import type { Tensor } from './tensor.ts';

export type Attribute =
  | { type: 'int' | 'float'; value: number }
  | { type: 'ints' | 'floats'; value: readonly number[] }
  | { type: 'string'; value: string }
  | { type: 'tensor'; value: Tensor }
  /** Subgraphs and the like, which no known operator takes. */
  | { type: 'other' };

export type Node = {
  /** ONNX's, or the first output's where it has none. */
  name: string;
  operator: string;
  /** '' where an optional input is left out. */
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: ReadonlyMap<string, Attribute>;
};

/** An ONNX file as it is spelled, read and checked for its form, but not yet understood. */
export type Model = {
  opset: number;
  input: { name: string; /** null where a size is dynamic */ shape: readonly (number | null)[] };
  outputs: readonly string[];
  constants: ReadonlyMap<string, Tensor>;
  /** Each value is made before it is used, and once. */
  nodes: readonly Node[];
};

const text = new TextDecoder();
const { AttributeType } = onnx.AttributeProto;

type ReadAttribute = (attribute: Onnx.IAttributeProto, what: string) => Attribute;

const ATTRIBUTES: ReadonlyMap<number, ReadAttribute> = new Map<number, ReadAttribute>([
  [AttributeType.FLOAT, ({ f }) => ({ type: 'float', value: f ?? 0 })],
  [AttributeType.INT, ({ i }) => ({ type: 'int', value: toNumber(i ?? 0) })],
  [AttributeType.STRING, ({ s }) => ({ type: 'string', value: text.decode(s ?? new Uint8Array()) })],
  [AttributeType.TENSOR, ({ t }, what) => ({ type: 'tensor', value: readTensor(t ?? {}, what) })],
  [AttributeType.INTS, ({ ints }) => ({ type: 'ints', value: (ints ?? []).map(toNumber) })],
  [AttributeType.FLOATS, ({ floats }) => ({ type: 'floats', value: floats ?? [] })],
]);

const readAttribute: ReadAttribute = (attribute, what) =>
  ATTRIBUTES.get(attribute.type ?? 0)?.(attribute, what) ?? { type: 'other' };

function readNode(node: Onnx.INodeProto): Node {
  const outputs = node.output ?? [];
  const operator = node.opType ?? '';
  const name = node.name || outputs[0] || '(no name)';
  if (node.domain) throw new Refusal('UNSUPPORTED', `${name}: operator ${node.domain}.${operator}`);
  const attributes = (node.attribute ?? []).map((attribute): [string, Attribute] => {
    const key = attribute.name ?? '';
    return [key, readAttribute(attribute, `${name} (${operator}), attribute ${key}`)];
  });
  return { name, operator, inputs: node.input ?? [], outputs, attributes: new Map(attributes) };
}

function readInput(info: Onnx.IValueInfoProto): Model['input'] {
  const tensor = info.type?.tensorType;
  const name = info.name ?? '';
  if (tensor?.elemType !== onnx.TensorProto.DataType.FLOAT)
    throw new Refusal('UNSUPPORTED', `input ${name}: only float32 tensors are known`);
  const dims = tensor.shape?.dim;
  if (!dims) throw new Refusal('DYNAMIC_SHAPE', `input ${name}: its rank is not known`);
  const shape = dims.map(({ dimValue }) => (dimValue && toNumber(dimValue) > 0 ? toNumber(dimValue) : null));
  return { name, shape };
}

function decode(file: Uint8Array): Onnx.ModelProto {
  try {
    return onnx.ModelProto.decode(file);
  } catch (error) {
    throw malformed(`not an ONNX file: ${errorText(error)}`);
  }
}

/** Throws Refusal when a value is made twice, or used before it is made. */
function checkOrder(known: Set<string>, nodes: readonly Node[], outputs: readonly string[]): void {
  for (const { name, inputs, outputs: made } of nodes) {
    for (const input of inputs)
      if (input !== '' && !known.has(input)) throw malformed(`${name}: input ${input} is not made before it`);
    for (const output of made) {
      if (output === '') continue;
      if (known.has(output)) throw malformed(`${name}: output ${output} is made twice`);
      known.add(output);
    }
  }
  for (const output of outputs) if (!known.has(output)) throw malformed(`output ${output} is never made`);
}

/** Untrusted bytes in, a model that holds together out. Throws Refusal. */
export function readModel(file: Uint8Array): Model {
  const { graph, opsetImport } = decode(file);
  if (!graph) throw malformed('no ONNX model: it has no graph');
  const opset = opsetImport.find(({ domain }) => !domain || domain === 'ai.onnx')?.version;
  if (!opset) throw malformed('no ONNX model: it names no opset');
  const constants = new Map<string, Tensor>();
  for (const tensor of graph.initializer ?? []) {
    const name = tensor.name ?? '';
    constants.set(name, readTensor(tensor, `initializer ${name}`));
  }
  // Before IR version 4 every initializer was listed as an input as well.
  const inputs = (graph.input ?? []).filter(({ name }) => !constants.has(name ?? ''));
  const outputs = (graph.output ?? []).map(({ name }) => name ?? '');
  const [first] = inputs;
  if (first === undefined || outputs.length === 0) throw malformed('a model has an input and an output');
  if (inputs.length > 1)
    throw new Refusal(
      'UNSUPPORTED',
      `${inputs.length} inputs (${inputs.map(({ name }) => name).join(', ')}): only one is known`,
    );
  const input = readInput(first);
  const nodes = (graph.node ?? []).map(readNode);
  checkOrder(new Set([input.name, ...constants.keys()]), nodes, outputs);
  return { opset: toNumber(opset), input, outputs, constants, nodes };
}
