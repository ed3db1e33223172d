import type { Attribute, Node } from '../check/model.ts';
import * as linear from './linear.ts';
import * as move from './move.ts';
import { zip } from './pointwise.ts';
import { map, type Value } from './value.ts';

/** What an operator gets: its inputs (undefined where left out) and its attributes. */
type Call = { inputs: readonly (Value | undefined)[]; attributes: ReadonlyMap<string, Attribute> };

const input = ({ inputs }: Call, index: number): Value => {
  const value = inputs[index];
  if (value === undefined) throw new RangeError(`input ${index} is missing`);
  return value;
};
const numbers = ({ attributes }: Call, name: string, fallback: readonly number[]): readonly number[] => {
  const value = attributes.get(name);
  return typeof value === 'object' && !('float' in value) ? value : fallback;
};
const number = ({ attributes }: Call, name: string, fallback: number): number => {
  const value = attributes.get(name);
  if (typeof value === 'object' && 'float' in value) return value.float;
  return typeof value === 'number' ? value : fallback;
};
const list = (call: Call, index: number): number[] => [...input(call, index).data];

const windowOf = (call: Call): linear.Window => ({
  strides: numbers(call, 'strides', [1, 1]),
  pads: numbers(call, 'pads', [0, 0, 0, 0]),
  dilations: numbers(call, 'dilations', [1, 1]),
});

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

const pair =
  (f: (a: number, b: number) => number) =>
  (call: Call): Value =>
    zip(input(call, 0), input(call, 1), f);

/** Every operator of the dialect, in float64 and in its plainest form. The checker has made sure that the inputs fit. */
const OPERATORS: ReadonlyMap<string, (call: Call) => Value> = new Map<string, (call: Call) => Value>([
  ['Add', pair((a, b) => a + b)],
  ['Sub', pair((a, b) => a - b)],
  ['Mul', pair((a, b) => a * b)],
  ['Div', pair((a, b) => a / b)],
  ['Max', pair(Math.max)],
  ['Min', pair(Math.min)],
  ['Sqrt', (call) => map(input(call, 0), Math.sqrt)],
  ['Floor', (call) => map(input(call, 0), Math.floor)],
  ['Relu', (call) => map(input(call, 0), (value) => Math.max(0, value))],
  ['Cast', (call) => input(call, 0)],
  [
    'Clip',
    (call) => {
      const low = call.inputs[1]?.data[0] ?? -Infinity;
      const high = call.inputs[2]?.data[0] ?? Infinity;
      return map(input(call, 0), (value) => clamp(value, low, high));
    },
  ],
  [
    'HardSigmoid',
    (call) => {
      const [alpha, beta] = [number(call, 'alpha', Math.fround(0.2)), number(call, 'beta', 0.5)];
      return map(input(call, 0), (value) => clamp(alpha * value + beta, 0, 1));
    },
  ],
  [
    'Conv',
    (call) => {
      const bias = call.inputs[2]?.data ?? null;
      return linear.conv(input(call, 0), input(call, 1), bias, windowOf(call), number(call, 'group', 1));
    },
  ],
  [
    'ConvTranspose',
    (call) =>
      linear.convTranspose(
        input(call, 0),
        input(call, 1),
        call.inputs[2]?.data ?? null,
        number(call, 'group', 1),
      ),
  ],
  ['MatMul', (call) => linear.matMul(input(call, 0), input(call, 1))],
  ['MaxPool', (call) => linear.maxPool(input(call, 0), numbers(call, 'kernel_shape', []), windowOf(call))],
  ['ReduceSum', (call) => linear.reduce(input(call, 0), list(call, 1), (a, b) => a + b)],
  ['ReduceMax', (call) => linear.reduce(input(call, 0), numbers(call, 'axes', []), Math.max)],
  [
    'Concat',
    (call) =>
      move.concat(
        call.inputs.map((_, index) => input(call, index)),
        number(call, 'axis', 0),
      ),
  ],
  ['Reshape', (call) => move.reshape(input(call, 0), list(call, 1))],
  ['Transpose', (call) => move.transpose(input(call, 0), numbers(call, 'perm', []))],
  ['Slice', (call) => move.slice(input(call, 0), list(call, 1), list(call, 2), list(call, 3))],
  ['Resize', (call) => move.repeat(input(call, 0), input(call, 2).data)],
  ['Gather', (call) => map(input(call, 1), (index) => input(call, 0).data[index] ?? NaN)],
]);

/** Throws RangeError for an operator outside the dialect: the checker refuses it first. */
export function compute(node: Node, values: ReadonlyMap<string, Value>): Value {
  const operator = OPERATORS.get(node.op);
  if (operator === undefined) throw new RangeError(`${node.name}: operator ${node.op}`);
  return operator({ inputs: node.inputs.map((name) => values.get(name)), attributes: node.attributes });
}
