import type { Op } from '../graph.ts';
import type { Values } from './images.ts';

type Of<K extends Op['kind']> = Extract<Op, { kind: K }>;

/** `a` [rows, inner] · `b` [inner, columns] at these offsets, added onto `output` [rows, columns]. */
function addProduct(
  a: { data: Float64Array; start: number; rows: number; inner: number },
  b: { data: Float64Array; start: number; columns: number },
  output: { data: Float64Array; start: number },
): void {
  for (let row = 0; row < a.rows; row++)
    for (let k = 0; k < a.inner; k++) {
      const factor = a.data[a.start + row * a.inner + k]!;
      const to = output.start + row * b.columns;
      const from = b.start + k * b.columns;
      for (let column = 0; column < b.columns; column++)
        output.data[to + column]! += factor * b.data[from + column]!;
    }
}

export function linear(op: Of<'linear'>, { data }: Values): Float64Array {
  const input = data(op.input);
  const [inner = 1, columns = 1] = op.weight.shape;
  const rows = input.length / inner;
  const output = Float64Array.from({ length: rows * columns }, (_, index) => op.bias[index % columns]!);
  addProduct(
    { data: input, start: 0, rows, inner },
    { data: op.weight.data, start: 0, columns },
    { data: output, start: 0 },
  );
  return output;
}

export function matmul(op: Of<'matmul'>, { shape, data }: Values): Float64Array {
  const [left, right] = op.inputs;
  const [rows = 1, inner = 1] = shape(left).slice(-2);
  const columns = shape(right).at(-1) ?? 1;
  const [a, b] = [data(left), data(right)];
  const output = new Float64Array((a.length / inner) * columns);
  for (let block = 0; block < a.length / (rows * inner); block++)
    addProduct(
      { data: a, start: block * rows * inner, rows, inner },
      { data: b, start: block * inner * columns, columns },
      { data: output, start: block * rows * columns },
    );
  return output;
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export function layerNorm(op: Of<'layer-norm'>, { data }: Values): Float64Array {
  const input = data(op.input);
  const width = op.scale.length;
  const output = new Float64Array(input.length);
  for (let start = 0; start < input.length; start += width) {
    const row = input.subarray(start, start + width);
    const middle = mean(row);
    const deviation = Math.sqrt(mean(row.map((value) => (value - middle) ** 2)) + op.epsilon);
    for (const [i, value] of row.entries())
      output[start + i] = ((value - middle) / deviation) * op.scale[i]! + op.shift[i]!;
  }
  return output;
}

export function softmax(op: Of<'softmax'>, { shape, data }: Values): Float64Array {
  const sizes = shape(op.input);
  const input = data(op.input);
  const size = sizes[op.axis] ?? 1;
  const inner = sizes.slice(op.axis + 1).reduce((product, value) => product * value, 1);
  const output = new Float64Array(input.length);
  for (let lane = 0; lane < input.length / size; lane++) {
    const start = Math.floor(lane / inner) * size * inner + (lane % inner);
    const row = Float64Array.from({ length: size }, (_, i) => input[start + i * inner]!);
    const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = row.map((value) => Math.exp(value - top));
    const sum = powers.reduce((a, b) => a + b, 0);
    for (const [i, value] of powers.entries()) output[start + i * inner] = value / sum;
  }
  return output;
}
