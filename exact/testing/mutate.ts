import type { Random } from '../../subnet/models/random.ts';
import { METADATA } from '../format.ts';
import { type Onnx, onnx } from '../onnx.ts';

const FLOAT: number = onnx.TensorProto.DataType.FLOAT;
const { AttributeType } = onnx.AttributeProto;

type Graph = Onnx.IGraphProto;
/** Changes the model in place and says how, or null where there is nothing of its kind to change. */
type Mutation = (random: Random, model: Onnx.ModelProto, graph: Graph) => string | null;

const choose = <T>(random: Random, items: readonly T[]): T | null =>
  items.length > 0 ? random.pick(items) : null;

const floats = (graph: Graph, rank: (rank: number) => boolean): Onnx.ITensorProto[] =>
  (graph.initializer ?? []).filter(({ dataType, dims }) => dataType === FLOAT && rank(dims?.length ?? 0));

/** Applies `change` to one value of a tensor, or to all. */
function alter(tensor: Onnx.ITensorProto, at: number | null, change: (value: number) => number): void {
  const values = new Float32Array(new Uint8Array(tensor.rawData ?? []).buffer);
  for (let i = 0; i < values.length; i++)
    if (at === null || i === at % values.length) values[i] = change(values[i] ?? 0);
  tensor.rawData = new Uint8Array(values.buffer);
}

/** What happens to a number: scaled, moved by a little or a lot, off its grid, sign lost. */
const CHANGES: readonly ((value: number) => number)[] = [
  (value) => value * 2,
  (value) => value * 0.5,
  (value) => value * 1.5,
  (value) => value * 1000,
  (value) => -value,
  (value) => value + 1,
  (value) => value + 2 ** -20,
  (value) => value * (1 + 2 ** -22),
  () => 0,
  () => 2 ** 23,
  () => 1e-30,
];

const tensorMutation =
  (what: string, rank: (rank: number) => boolean, whole: boolean): Mutation =>
  (random, _model, graph) => {
    const tensor = choose(random, floats(graph, rank));
    if (tensor === null) return null;
    const index = random.below(CHANGES.length);
    alter(tensor, whole ? null : random.uint32() % 2 ** 20, CHANGES[index] ?? ((value) => value));
    return `${what} ${tensor.name} by change ${index}`;
  };

const nodeMutation =
  (
    ops: readonly string[],
    change: (random: Random, node: Onnx.INodeProto, graph: Graph) => string | null,
  ): Mutation =>
  (random, _model, graph) => {
    const node = choose(
      random,
      (graph.node ?? []).filter(({ opType }) => ops.includes(opType ?? '')),
    );
    if (node === null) return null;
    const how = change(random, node, graph);
    return how === null ? null : `${node.opType} ${node.name}: ${how}`;
  };

/** Reads of the node's output go to its first input. */
function bypass(node: Onnx.INodeProto, graph: Graph): string {
  const [output] = node.output ?? [];
  const [input] = node.input ?? [];
  for (const other of graph.node ?? [])
    other.input = (other.input ?? []).map((name) => (name === output && input !== undefined ? input : name));
  graph.node = (graph.node ?? []).filter((other) => other !== node);
  return 'dropped';
}

const attribute = (random: Random, node: Onnx.INodeProto): string | null => {
  const chosen = choose(random, node.attribute ?? []);
  if (chosen === null) return null;
  if (chosen.type === AttributeType.INT) chosen.i = random.pick([0, 1, 2, 3, -1]);
  else if (chosen.type === AttributeType.FLOAT) chosen.f = (chosen.f ?? 0) * random.pick([2, 0.5, 1.5, -1]);
  else if (chosen.type === AttributeType.INTS)
    chosen.ints = (chosen.ints ?? []).map((value, index) => (index === 0 ? random.below(4) : value));
  else chosen.s = new TextEncoder().encode(random.pick(['ceil', 'half_pixel', 'linear', 'SAME_UPPER']));
  return `attribute ${chosen.name}`;
};

const POINTWISE = ['Add', 'Sub', 'Mul', 'Max', 'Min', 'Div'];
const ALL = [
  ...POINTWISE,
  'Clip',
  'Floor',
  'Relu',
  'Conv',
  'ConvTranspose',
  'MatMul',
  'HardSigmoid',
  'MaxPool',
  'Resize',
  'Reshape',
  'Transpose',
  'ReduceSum',
  'Concat',
  'Gather',
  'Slice',
  'ReduceMax',
];

const MUTATIONS: readonly Mutation[] = [
  tensorMutation('scalar', (rank) => rank === 0, true),
  tensorMutation('scalar', (rank) => rank === 0, true),
  tensorMutation('weight', (rank) => rank >= 2, false),
  tensorMutation('scale', (rank) => rank >= 2, true),
  tensorMutation('bias', (rank) => rank === 1, false),
  tensorMutation('biases', (rank) => rank === 1, true),
  nodeMutation(['Floor', 'Clip', 'Relu'], (_random, node, graph) => bypass(node, graph)),
  nodeMutation(['Floor'], (random, node) => {
    node.opType = random.pick(['Ceil', 'Round', 'Sign', 'Relu']);
    return `became ${node.opType}`;
  }),
  nodeMutation(POINTWISE, (random, node) => {
    node.opType = random.pick(POINTWISE);
    return `became ${node.opType}`;
  }),
  nodeMutation(POINTWISE, (_random, node) => {
    node.input = (node.input ?? []).toReversed();
    return 'operands swapped';
  }),
  nodeMutation(['Clip'], (random, node) => {
    node.input = (node.input ?? []).map((name, index) => (index === 1 + random.below(2) ? '' : name));
    return 'bound left out';
  }),
  nodeMutation(['Conv', 'ConvTranspose'], (_random, node) => {
    node.input = (node.input ?? []).slice(0, 2);
    return 'bias left out';
  }),
  nodeMutation(ALL, attribute),
  nodeMutation(ALL, attribute),
  // Another tensor in place of an input: any that is made earlier.
  nodeMutation(ALL, (random, node, graph) => {
    const nodes = graph.node ?? [];
    const earlier = nodes.slice(0, nodes.indexOf(node)).flatMap(({ output }) => output ?? []);
    const other = choose(random, earlier.slice(-8));
    if (other === null) return null;
    node.input = (node.input ?? []).map((name, index) => (index === 0 ? other : name));
    return `reads ${other}`;
  }),
  (random, model) => {
    const entry = model.metadataProps.find(({ key }) => key === METADATA.input);
    const [low, high] = [random.pick([-1000, -10, 0]), random.pick([1000, 300, 100_000])];
    if (entry == null) return null;
    entry.value = JSON.stringify({ low, high });
    return `input of ${low} to ${high}`;
  },
  (random, model) => {
    const entry = choose(random, model.metadataProps);
    if (entry === null) return null;
    entry.value = random.pick(['', '2', '{}', 'null', '{"low":0.5,"high":2}']);
    return `metadata ${entry.key}`;
  },
  (random, model) => {
    for (const opset of model.opsetImport) opset.version = random.pick([11, 13, 18, 21]);
    return 'another opset';
  },
];

/** The model with one random fault, and what it is. The file stays a well-formed protocol buffer. */
export function mutate(random: Random, file: Uint8Array): { file: Uint8Array; fault: string } {
  for (;;) {
    const model = onnx.ModelProto.decode(file);
    if (model.graph == null) throw new RangeError('no model');
    const fault = random.pick(MUTATIONS)(random, model, model.graph);
    if (fault !== null) return { file: onnx.ModelProto.encode(model).finish(), fault };
  }
}
