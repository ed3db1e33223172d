import type { Op } from '../graph.ts';
import { stridesOf, walk } from '../import/tensor.ts';
import type { Values } from './images.ts';

type Of<K extends Op['kind']> = Extract<Op, { kind: K }>;

export function transpose(op: Of<'transpose'>, { shape, data }: Values): Float64Array {
  const input = data(op.input);
  const strides = stridesOf(shape(op.input));
  const turned = op.permutation.map((axis) => strides[axis] ?? 1);
  const output = new Float64Array(input.length);
  let index = 0;
  for (const from of walk(shape(op.output), turned)) output[index++] = input[from]!;
  return output;
}

/** How often the axes before `axis` repeat, and how many elements one step along it is. */
function around(shape: readonly number[], axis: number): { outer: number; inner: number } {
  const product = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1);
  return { outer: product(shape.slice(0, axis)), inner: product(shape.slice(axis + 1)) };
}

export function slice(op: Of<'slice'>, { shape, data }: Values): Float64Array {
  const sizes = shape(op.input);
  const { outer, inner } = around(sizes, op.axis);
  const whole = (sizes[op.axis] ?? 1) * inner;
  const part = (op.end - op.start) * inner;
  const input = data(op.input);
  const output = new Float64Array(outer * part);
  for (let block = 0; block < outer; block++) {
    const from = block * whole + op.start * inner;
    output.set(input.subarray(from, from + part), block * part);
  }
  return output;
}

export function concat(op: Of<'concat'>, { shape, data }: Values): Float64Array {
  const { outer, inner } = around(shape(op.output), op.axis);
  const whole = (shape(op.output)[op.axis] ?? 1) * inner;
  const output = new Float64Array(outer * whole);
  let start = 0;
  for (const id of op.inputs) {
    const part = (shape(id)[op.axis] ?? 1) * inner;
    const input = data(id);
    for (let block = 0; block < outer; block++)
      output.set(input.subarray(block * part, (block + 1) * part), block * whole + start);
    start += part;
  }
  return output;
}
