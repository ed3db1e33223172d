import { mulberry32 } from '../../../protocol/known-answer.ts';

/** f32 has a significand of 24 bits (exact/format.ts): every whole number up to here is one, and none beyond is sure to be. */
const BOUND = 2 ** 24;
/** Activations are whole numbers of 12 bits, most of them odd: f16 keeps 11 bits, TF32 11, bf16 8. */
export const MOST = 4095;

/** Images are SIDE × SIDE with CHANNELS channels; rows of the matrix product have DEPTH numbers. */
export const [CHANNELS, SIDE, ROWS, DEPTH, COLUMNS] = [16, 12, 16, 256, 24];

/** One output channel or column: integer weights with their places in the input, and a bias. */
export type Sum = { weights: Float64Array; bias: number };

/**
 * A convolution (kernel² places of `depth` channels, padded to the same size) or a product with a matrix: all of its sums, in
 * integers.
 */
export type Layer =
  | {
      kind: 'conv';
      name: string;
      kernel: 1 | 3;
      depthwise: boolean;
      sums: readonly Sum[];
      beyond: boolean;
    }
  | { kind: 'matmul'; name: string; sums: readonly Sum[]; beyond: boolean };

/**
 * A sum at the very edge of the bound: positive weights sum up to (2^24 − 1) / 4095, negative ones too, and the bias fills what is
 * left, so that the largest input gives 2^24 − 1. `length` weights, unequal, so that some have twelve bits and many have few.
 */
function edge(next: () => number, length: number): Sum {
  const budget = Math.floor((BOUND - 1) / MOST);
  const weights = new Float64Array(length);
  for (const sign of [1, -1]) {
    const places = Array.from({ length }, (_, i) => i).filter((i) => i % 2 === (sign === 1 ? 0 : 1));
    const shares = places.map(() => (next() / 2 ** 32) ** 6);
    const total = shares.reduce((sum, share) => sum + share, 0);
    let left = budget;
    for (const [at, place] of places.entries()) {
      const part = Math.floor(((shares[at] ?? 0) / total) * budget);
      weights[place] = sign * part;
      left -= part;
    }
    weights[places[0] ?? 0] = (weights[places[0] ?? 0] ?? 0) + sign * left;
  }
  return { weights, bias: BOUND - 1 - MOST * budget };
}

/** One product of twelve by twelve bits, and a bias up to the bound. */
function product(length: number, place: number): Sum {
  const weights = new Float64Array(length);
  weights[place] = MOST;
  return { weights, bias: BOUND - 1 - MOST * MOST };
}

/** Far beyond the bound: products of twelve by twelve bits, of both signs. f32 has to round some of what they sum up to. */
function beyond(next: () => number, length: number): Sum {
  const weights = Float64Array.from({ length }, () => ((next() % (MOST + 1)) | 1) * (next() & 1 ? 1 : -1));
  return { weights, bias: 1 };
}

const repeat = (count: number, make: (index: number) => Sum): Sum[] =>
  Array.from({ length: count }, (_, i) => make(i));

/** The layers, the same on every machine. */
export function layersOf(seed: number): Layer[] {
  const next = mulberry32(seed);
  const conv = (
    name: string,
    kernel: 1 | 3,
    depthwise: boolean,
    sum: (i: number) => Sum,
    over = false,
  ): Layer => ({
    kind: 'conv',
    name,
    kernel,
    depthwise,
    sums: repeat(CHANNELS, sum),
    beyond: over,
  });
  return [
    conv('conv3x3', 3, false, () => edge(next, 9 * CHANNELS)),
    conv('conv1x1', 1, false, (i) => (i < 4 ? product(CHANNELS, i) : edge(next, CHANNELS))),
    conv('depthwise3x3', 3, true, (i) => (i < 4 ? product(9, 2 * i) : edge(next, 9))),
    { kind: 'matmul', name: 'matmul', sums: repeat(COLUMNS, () => edge(next, DEPTH)), beyond: false },
    conv('conv3x3-beyond', 3, false, () => beyond(next, 9 * CHANNELS), true),
    { kind: 'matmul', name: 'matmul-beyond', sums: repeat(COLUMNS, () => beyond(next, DEPTH)), beyond: true },
  ];
}

export type Inputs = { image: Float64Array; rows: Float64Array };

/**
 * Random odd numbers, and in corners of the image and the first rows the very inputs that take sums to their bounds: the largest
 * number where weights of one sign are, and none elsewhere.
 */
export function inputsFor(seed: number, layers: readonly Layer[]): Inputs {
  const next = mulberry32(seed);
  const odd = (length: number): Float64Array => Float64Array.from({ length }, () => (next() & MOST) | 1);
  const [image, rows] = [odd(CHANNELS * SIDE * SIDE), odd(ROWS * DEPTH)];
  const signs = [1, -1, 1, -1];
  for (const layer of layers) {
    if (layer.beyond) continue;
    if (layer.kind === 'matmul') {
      for (const [at, sign] of signs.entries())
        for (const [i, weight] of (layer.sums[at]?.weights ?? []).entries())
          rows[at * DEPTH + i] = sign * weight > 0 ? MOST : 0;
    } else if (layer.kernel === 3 && !layer.depthwise) {
      for (const [at, sign] of signs.entries())
        for (const [i, weight] of (layer.sums[at]?.weights ?? []).entries()) {
          const [channel, y, x] = [Math.floor(i / 9), Math.floor((i % 9) / 3), i % 3];
          const [top, left] = [at < 2 ? 1 : 7, at % 2 === 0 ? 1 : 7];
          image[(channel * SIDE + top + y) * SIDE + left + x] = sign * weight > 0 ? MOST : 0;
        }
    }
  }
  return { image, rows };
}

/** How a sum is made: in integers for the answers; tests put in others, that round. */
export type Adder = (weights: Float64Array, values: Float64Array, bias: number) => number;

/** In float64, which holds every whole number here: all are below 2^40. */
export const exactly: Adder = (weights, values, bias) =>
  weights.reduce((sum, weight, i) => sum + weight * (values[i] ?? 0), bias);

/** A layer's outputs in ONNX's order: [channel, y, x], or [row, column]. */
export function outputsOf(layer: Layer, { image, rows }: Inputs, add: Adder = exactly): number[] {
  if (layer.kind === 'matmul') {
    return Array.from({ length: ROWS }, (_, row) => rows.subarray(row * DEPTH, (row + 1) * DEPTH)).flatMap(
      (values) => layer.sums.map(({ weights, bias }) => add(weights, values, bias)),
    );
  }
  const { kernel, depthwise, sums } = layer;
  const reach = kernel >> 1;
  const pixel = (channel: number, y: number, x: number): number =>
    y < 0 || y >= SIDE || x < 0 || x >= SIDE ? 0 : (image[(channel * SIDE + y) * SIDE + x] ?? 0);
  return sums.flatMap(({ weights, bias }, out) =>
    Array.from({ length: SIDE * SIDE }, (_, at) => {
      const [y, x] = [Math.floor(at / SIDE) - reach, (at % SIDE) - reach];
      const values = weights.map((_weight, i) => {
        const [channel, place] = [depthwise ? out : Math.floor(i / kernel ** 2), i % kernel ** 2];
        return pixel(channel, y + Math.floor(place / kernel), x + (place % kernel));
      });
      return add(weights, values, bias);
    }),
  );
}
