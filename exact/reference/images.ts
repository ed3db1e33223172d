import type { Op, ValueId } from '../graph.ts';
import { eachRun, sizesOf } from './window.ts';

type Of<K extends Op['kind']> = Extract<Op, { kind: K }>;

/** Shapes by value, and the data of what an operation reads. */
export type Values = {
  shape: (value: ValueId) => readonly number[];
  data: (value: ValueId) => Float64Array;
};

export function conv(op: Of<'conv'>, { shape, data }: Values): Float64Array {
  const [, , height, width] = sizesOf(shape(op.input));
  const [, channels, rows, columns] = sizesOf(shape(op.output));
  const [, fanIn, kh, kw] = sizesOf(op.weight.shape);
  const input = data(op.input);
  const { data: weights } = op.weight;
  const output = new Float64Array(channels * rows * columns);
  const window = { ...op, kernel: [kh, kw] as const };
  for (let channel = 0; channel < channels; channel++) {
    const start = channel * rows * columns;
    output.fill(op.bias[channel] ?? 0, start, start + rows * columns);
    const group = Math.floor((channel * op.groups) / channels);
    for (let c = 0; c < fanIn; c++) {
      const plane = { start: (group * fanIn + c) * height * width, height, width };
      const base = (channel * fanIn + c) * kh * kw;
      eachRun(window, plane, { start, height: rows, width: columns }, (element, to, from, count, step) => {
        const weight = weights[base + element]!;
        for (let i = 0; i < count; i++) output[to + i]! += weight * input[from + i * step]!;
      });
    }
  }
  return output;
}

export function convTranspose(op: Of<'conv-transpose'>, { shape, data }: Values): Float64Array {
  const [, inputs, height, width] = sizesOf(shape(op.input));
  const [, channels, rows, columns] = sizesOf(shape(op.output));
  const [, perGroup, kh, kw] = sizesOf(op.weight.shape);
  const input = data(op.input);
  const output = new Float64Array(channels * rows * columns);
  const fanIn = inputs / op.groups;
  for (let channel = 0; channel < channels; channel++) {
    const group = Math.floor(channel / perGroup);
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        const pixel = Math.floor(y / kh) * width + Math.floor(x / kw);
        const element = (y % kh) * kw + (x % kw);
        let sum = op.bias[channel] ?? 0;
        for (let c = group * fanIn; c < (group + 1) * fanIn; c++)
          sum +=
            op.weight.data[(c * perGroup + (channel % perGroup)) * kh * kw + element]! *
            input[c * height * width + pixel]!;
        output[(channel * rows + y) * columns + x] = sum;
      }
  }
  return output;
}

/** Both pools; padding is −∞ for the maximum, and 0 and counted for the average. */
export function pool(op: Of<'max-pool' | 'average-pool'>, { shape, data }: Values): Float64Array {
  const [, channels, height, width] = sizesOf(shape(op.input));
  const [, , rows, columns] = sizesOf(shape(op.output));
  const input = data(op.input);
  const output = new Float64Array(channels * rows * columns);
  const area = op.kernel[0] * op.kernel[1];
  const window = { ...op, dilations: [1, 1] as const };
  if (op.kind === 'max-pool') output.fill(-Infinity);
  for (let channel = 0; channel < channels; channel++) {
    const from = { start: channel * height * width, height, width };
    const to = { start: channel * rows * columns, height: rows, width: columns };
    eachRun(window, from, to, (_, at, source, count, step) => {
      for (let i = 0; i < count; i++) {
        const value = input[source + i * step]!;
        if (op.kind === 'average-pool') output[at + i]! += value / area;
        else output[at + i] = Math.max(output[at + i]!, value);
      }
    });
  }
  return output;
}

export function globalAverage(op: Of<'global-average'>, { shape, data }: Values): Float64Array {
  const [, channels, height, width] = sizesOf(shape(op.input));
  const input = data(op.input);
  const size = height * width;
  return Float64Array.from({ length: channels }, (_, channel) => {
    let sum = 0;
    for (let i = channel * size; i < (channel + 1) * size; i++) sum += input[i]!;
    return sum / size;
  });
}

export function upsample(op: Of<'upsample'>, { shape, data }: Values): Float64Array {
  const [, , height, width] = sizesOf(shape(op.input));
  const [, channels, rows, columns] = sizesOf(shape(op.output));
  const input = data(op.input);
  const output = new Float64Array(channels * rows * columns);
  let index = 0;
  for (let channel = 0; channel < channels; channel++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        const row = channel * height + Math.floor(y / op.factors[0]);
        output[index++] = input[row * width + Math.floor(x / op.factors[1])]!;
      }
  return output;
}
