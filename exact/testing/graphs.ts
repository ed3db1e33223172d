import type { Constant, Graph, Op, ValueId } from '../graph.ts';
import type { Recipe } from '../recipe.ts';
import { runFloat } from '../reference/float.ts';
import type { Random } from '../../subnet/models/random.ts';

/** Graphs for tests of the compiler, one operation after the other, on images. */
export class GraphMaker {
  readonly #random: Random;
  readonly #shapes = new Map<ValueId, readonly number[]>();
  readonly #ops: Op[] = [];
  last: ValueId = 'x';

  constructor(random: Random, shape: readonly number[]) {
    this.#random = random;
    this.#shapes.set('x', shape);
  }

  shape(value = this.last): readonly number[] {
    return this.#shapes.get(value) ?? [];
  }

  /** Adds an operation; it is called as its result is. */
  add(
    make: (names: { name: string; output: ValueId }) => Op,
    shape: readonly number[] = this.shape(),
  ): ValueId {
    const output = `v${this.#ops.length}`;
    this.#ops.push(make({ name: `${output}.op`, output }));
    this.#shapes.set(output, shape);
    this.last = output;
    return output;
  }

  weights(shape: readonly number[]): Constant {
    const size = shape.reduce((all, length) => all * length, 1);
    const fan = size / (shape[0] ?? 1);
    return { shape, data: Float64Array.from({ length: size }, () => this.#random.normal() / Math.sqrt(fan)) };
  }

  bias(length: number, deviation = 0.5): Float64Array {
    return Float64Array.from({ length }, () => this.#random.normal() * deviation);
  }

  /** A convolution that keeps the size, but for its stride. */
  conv(out: number, { size = 3, stride = 1, groups = 1, input = this.last, deviation = 0.5 } = {}): ValueId {
    const [, channels = 1, height = 1, width = 1] = this.shape(input);
    const pad = (size - 1) / 2;
    const weight = this.weights([out, channels / groups, size, size]);
    const bias = this.bias(out, deviation);
    const after = (length: number): number => Math.floor((length - 1) / stride) + 1;
    return this.add(
      (names) => ({
        ...names,
        kind: 'conv',
        input,
        weight,
        bias,
        groups,
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
        dilations: [1, 1],
      }),
      [1, out, after(height), after(width)],
    );
  }

  simple(kind: 'hard-swish' | 'relu'): ValueId {
    const input = this.last;
    return this.add((names) =>
      kind === 'relu' ? { ...names, kind: 'clip', input, low: 0, high: Infinity } : { ...names, kind, input },
    );
  }

  mean(): ValueId {
    const input = this.last;
    const [, channels = 1] = this.shape();
    return this.add((names) => ({ ...names, kind: 'global-average', input }), [1, channels, 1, 1]);
  }

  /** Squeeze and excite: x · gate(mean(x)), and with `skip` x + that. */
  gate(skip: boolean): ValueId {
    const x = this.last;
    const shape = this.shape();
    this.mean();
    // Most gates are fully open or shut.
    const input = this.conv(shape[1] ?? 1, { size: 1, deviation: 6 });
    const gate = this.add((names) => ({ ...names, kind: 'hard-sigmoid', input, alpha: 0.2, beta: 0.5 }));
    const gated = this.add((names) => ({ ...names, kind: 'mul', inputs: [x, gate] }), shape);
    return skip ? this.add((names) => ({ ...names, kind: 'add', inputs: [x, gated] }), shape) : gated;
  }

  /** With a last layer over the mean of what there is. */
  classifier(classes: number): Graph {
    this.mean();
    const flat = this.last;
    const channels = this.shape()[1] ?? 1;
    const input = this.add(
      (names) => ({ ...names, kind: 'reshape', input: flat, shape: [1, channels] }),
      [1, channels],
    );
    const weight = this.weights([channels, classes]);
    const bias = this.bias(classes);
    this.add((names) => ({ ...names, kind: 'linear', input, weight, bias }), [1, classes]);
    return this.graph();
  }

  graph(): Graph {
    return {
      input: 'x',
      outputs: [{ value: this.last, dropped: null, original: 'y' }],
      shapes: this.#shapes,
      ops: this.#ops,
    };
  }
}

/** Pixels as the model takes them, and as real numbers. */
export const toReal = (pixels: Float64Array): Float64Array => pixels.map((pixel) => (pixel - 127.5) / 127.5);

/** A recipe with the ranges that the values have on some images. */
export function recipeOf(graph: Graph, images: readonly Float64Array[], activationBits = 9): Recipe {
  const ids = graph.ops.map(({ output }) => output);
  const ranges: Recipe['ranges'] = {};
  for (const image of images) {
    const values = runFloat(graph, toReal(image), ids);
    for (const id of ids) {
      const data = values.get(id) ?? new Float64Array();
      const { low = 0, high = 0 } = ranges[id] ?? {};
      ranges[id] = { low: Math.min(low, ...data), high: Math.max(high, ...data) };
    }
  }
  return {
    format: 1,
    source: { sha256: '0'.repeat(64) },
    input: { low: 0, high: 255, offset: [127.5], scale: [1 / 127.5] },
    buckets: [[...(graph.shapes.get(graph.input) ?? [])]],
    activationBits,
    ranges,
    calibration: { images: images.length, seed: 'test', runtime: 'float64' },
  };
}
