import { onnx } from '../../onnx.ts';
import { numberType } from '../read-tensor.ts';
import { elements, type Tensor } from '../tensor.ts';
import { onnxShape, type Use } from '../use.ts';
import { ARITHMETIC } from './arithmetic.ts';
import { LAYOUT } from './layout.ts';

const BOOL: number = onnx.TensorProto.DataType.BOOL;

/** The attribute that holds the value; which one says its type. */
function constant(use: Use): Tensor {
  const tensor = use.tensor('value');
  if (tensor !== undefined) return tensor;
  for (const type of ['int', 'float'] as const) {
    const list = use.numbers(`value_${type}s`);
    if (list !== undefined) return { type, shape: [list.length], data: Float64Array.from(list) };
    if (use.has(`value_${type}`))
      return { type, shape: [], data: Float64Array.of(use.number(`value_${type}`, 0)) };
  }
  throw use.refuse('it holds no tensor and no number');
}

function constantOfShape(use: Use): Tensor {
  const shape = use.list('shape', 0) ?? [];
  const value = use.tensor('value') ?? { type: 'float', data: Float64Array.of(0) };
  const data = new Float64Array(elements(shape, use.node.name)).fill(value.data[0] ?? 0);
  return { type: value.type, shape, data };
}

/** Of what is computed as well: its sizes are known. */
function shapeOf(use: Use): Tensor {
  const value = use.value(0);
  const shape = 'constant' in value ? value.constant.shape : onnxShape(value.activation);
  const sizes = shape.slice(use.number('start', 0), use.number('end', shape.length));
  return { type: 'int', shape: [sizes.length], data: Float64Array.from(sizes) };
}

function cast(use: Use): Tensor {
  const { shape, data, type: from } = use.constant(0);
  const to = use.number('to', 0);
  const type = numberType(to);
  if (type === null) throw use.refuse(`to ${onnx.TensorProto.DataType[to] ?? to}`);
  use.ignore('saturate');
  if (to === BOOL) return { type, shape, data: data.map((value) => Number(value !== 0)) };
  return { type, shape, data: type === 'int' && from === 'float' ? data.map(Math.trunc) : data };
}

function range(use: Use): Tensor {
  const [start, limit, delta] = [0, 1, 2].map((index) => use.constant(index).data[0] ?? 0);
  if (start === undefined || limit === undefined || !delta) throw use.refuse('it has no step');
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  elements([count], use.node.name);
  const data = Float64Array.from({ length: count }, (_, index) => start + index * delta);
  return { type: use.constant(0).type, shape: [count], data };
}

const ALWAYS: Readonly<Record<string, (use: Use) => Tensor>> = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Shape: shapeOf,
};

const OF_CONSTANTS: Readonly<Record<string, (use: Use) => Tensor>> = {
  ...ARITHMETIC,
  ...LAYOUT,
  Cast: cast,
  Range: range,
};

const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

/** How the node is folded, or undefined when it computes with the input. */
export function folding(use: Use): ((use: Use) => Tensor) | undefined {
  const always = own(ALWAYS, use.node.operator);
  if (always !== undefined) return always;
  return use.ofConstants ? own(OF_CONSTANTS, use.node.operator) : undefined;
}
