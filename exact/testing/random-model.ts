import type { Random } from '../../subnet/models/random.ts';
import type { Builder } from '../compile/builder.ts';
import { EXACT_BOUND } from '../format.ts';
import { dialect } from './dialect.ts';

/** A tensor of whole numbers below `most`, [1, channels, height, width]. */
type Image = { name: string; shape: readonly [number, number, number]; most: number };

const pickSome = (random: Random, count: number, value: () => number): Float64Array =>
  Float64Array.from({ length: count }, () => (random.below(8) === 0 ? 0 : value()));

const around = (random: Random, most: number): number => random.below(2 * most + 1) - most;

/**
 * A random model in the dialect, whose sums come near 2^24 and sometimes pass it: the checker decides which. Sums meet residuals,
 * constants and activations before they are clipped, which is what runtimes fuse.
 */
export class RandomModel {
  readonly #random: Random;
  readonly #builder: Builder;
  /** How much of 2^24 a sum may use, about. */
  readonly #budget: number;
  #count = 0;

  constructor(random: Random, builder: Builder, budget: number) {
    this.#random = random;
    this.#builder = builder;
    this.#budget = budget;
  }

  #name(kind: string): string {
    return `${kind}${this.#count++}`;
  }

  /** Clip and Floor: whole numbers of few bits again. */
  #quantise(name: string, shape: Image['shape']): Image {
    const [b, most] = [this.#builder, 2 ** (5 + this.#random.below(5)) - 1];
    const low = b.scalar(this.#random.below(2) === 0 ? 0 : -most);
    if (this.#random.below(3) === 0)
      return {
        name: b.node(
          'Floor',
          [b.node('Clip', [name, low, b.scalar(most)], this.#name('clip'))],
          this.#name('floor'),
        ),
        shape,
        most,
      };
    return {
      name: b.node(
        'Clip',
        [b.node('Floor', [name], this.#name('floor')), low, b.scalar(most)],
        this.#name('clip'),
      ),
      shape,
      most,
    };
  }

  conv(input: Image, residual: Image | null): Image {
    const [random, b] = [this.#random, this.#builder];
    const [channels, height, width] = input.shape;
    const depthwise = random.below(3) === 0;
    const outputs = residual?.shape[0] ?? (depthwise ? channels : 1 + random.below(12));
    const groups = depthwise && outputs === channels ? channels : 1;
    const kernel = random.below(2) === 0 ? 1 : 3;
    const stride = residual === null && height >= 6 ? 1 + random.below(2) : 1;
    const pad = kernel === 3 ? 1 : 0;
    const perGroup = channels / groups;
    // All weights at their limit: then the random signs leave the certificate about this much.
    const limit = Math.max(
      1,
      Math.floor((this.#budget * EXACT_BOUND) / (perGroup * kernel ** 2 * input.most)),
    );
    const shift = Math.max(0, Math.floor(Math.log2(this.#budget * EXACT_BOUND)) - 10);
    const grid = 2 ** -shift;
    const weights = pickSome(
      random,
      outputs * perGroup * kernel ** 2,
      () => (random.below(2) === 0 ? limit : around(random, limit)) * (random.below(2) === 0 ? 1 : -1) * grid,
    );
    const bias = pickSome(random, outputs, () => around(random, 2 ** 18) * grid);
    let sum = b.node(
      'Conv',
      [
        input.name,
        b.floats(this.#name('w'), [outputs, perGroup, kernel, kernel], weights),
        b.floats(this.#name('b'), [outputs], bias),
      ],
      this.#name('conv'),
      { group: groups, pads: [pad, pad, pad, pad], strides: [stride, stride] },
    );
    const size = (side: number): number => Math.floor((side + 2 * pad - kernel) / stride) + 1;
    const shape = [outputs, size(height), size(width)] as const;
    if (residual !== null)
      sum = b.node(
        'Add',
        random.below(2) === 0 ? [sum, residual.name] : [residual.name, sum],
        this.#name('add'),
      );
    if (random.below(3) === 0)
      sum = b.node(
        'Add',
        [
          sum,
          b.floats(
            this.#name('c'),
            [outputs, 1, 1],
            pickSome(random, outputs, () => around(random, 2 ** 16) * grid),
          ),
        ],
        this.#name('shift'),
      );
    if (random.below(3) === 0)
      sum = b.node(
        'Mul',
        [
          sum,
          b.floats(
            this.#name('m'),
            [outputs, 1, 1],
            pickSome(random, outputs, () => random.pick([0.5, 2, 1, 3, -1])),
          ),
        ],
        this.#name('scale'),
      );
    if (random.below(3) === 0) sum = b.node('Relu', [sum], this.#name('relu'));
    return this.#quantise(sum, shape);
  }

  hardSwish(input: Image): Image {
    const b = this.#builder;
    const alpha = 2 ** -(4 + this.#random.below(6));
    const gate = b.node('HardSigmoid', [input.name], this.#name('gate'), {
      alpha: { float: alpha },
      beta: { float: 0.5 },
    });
    const product = b.node('Mul', [input.name, gate], this.#name('mul'));
    const half = b.node('Add', [product, b.scalar(0.5)], this.#name('half'));
    return { ...input, name: b.node('Floor', [half], this.#name('floor')) };
  }

  /** Mean of each channel, as a gate on its pixels. */
  squeeze(input: Image): Image {
    const b = this.#builder;
    const sum = b.node('ReduceSum', [input.name, b.integers([2, 3])], this.#name('sum'), { keepdims: 1 });
    const part = b.node('Mul', [sum, b.scalar(2 ** -6)], this.#name('part'));
    const gate = b.node('HardSigmoid', [part], this.#name('gate'), {
      alpha: { float: 2 ** -5 },
      beta: { float: 0.25 },
    });
    return this.#quantise(b.node('Mul', [gate, input.name], this.#name('gated')), input.shape);
  }

  shapes(input: Image): Image {
    const [random, b] = [this.#random, this.#builder];
    const [channels, height, width] = input.shape;
    switch (random.below(4)) {
      case 0:
        return {
          ...input,
          name: b.node('MaxPool', [input.name], this.#name('pool'), {
            kernel_shape: [3, 3],
            pads: [1, 1, 1, 1],
            strides: [1, 1],
          }),
        };
      case 1: {
        if (height > 6) return input;
        const scales = b.floats(this.#name('scales'), [4], [1, 1, 2, 2]);
        return {
          ...input,
          name: b.node('Resize', [input.name, '', scales], this.#name('resize'), {
            mode: 'nearest',
            coordinate_transformation_mode: 'asymmetric',
            nearest_mode: 'floor',
          }),
          shape: [channels, height * 2, width * 2],
        };
      }
      case 2:
        return {
          ...input,
          name: b.node('Concat', [input.name, input.name], this.#name('concat'), { axis: 1 }),
          shape: [channels * 2, height, width],
        };
      default: {
        const weights = pickSome(random, channels * 3 * 4, () => around(random, 60) / 8);
        const sum = b.node(
          'ConvTranspose',
          [input.name, b.floats(this.#name('w'), [channels, 3, 2, 2], weights)],
          this.#name('transposed'),
          { strides: [2, 2] },
        );
        if (height > 6) return input;
        return this.#quantise(sum, [3, height * 2, width * 2]);
      }
    }
  }

  /** [channels, pixels] · weights, as a sequence. */
  head({ name, shape, most }: Image): string {
    const [random, b] = [this.#random, this.#builder];
    const pixels = shape[1] * shape[2];
    const rows = b.node('Reshape', [name, b.integers([0, shape[0], pixels])], this.#name('rows'));
    const flipped = b.node('Transpose', [rows], this.#name('flipped'), { perm: [0, 2, 1] });
    const limit = Math.max(1, Math.floor((this.#budget * EXACT_BOUND) / (shape[0] * most)));
    const weights = b.floats(
      this.#name('w'),
      [shape[0], 5],
      pickSome(random, shape[0] * 5, () => around(random, limit)),
    );
    const sum = b.node('MatMul', [flipped, weights], this.#name('matmul'));
    const head = b.node(
      'Add',
      [
        sum,
        b.floats(
          this.#name('b'),
          [5],
          pickSome(random, 5, () => around(random, 1000)),
        ),
      ],
      this.#name('head'),
    );
    return b.node('Reshape', [head, b.integers([0, 1, pixels, 5])], this.#name('rows'));
  }
}

/** `budget` 1 reaches up to about 2^24 in each sum. */
export function randomModel(random: Random, budget: number): Uint8Array {
  const channels = 1 + random.below(4);
  return dialect({
    input: [channels, 8, 8],
    low: -random.below(300),
    high: 1 + random.below(300),
    body: (builder, x) => {
      const maker = new RandomModel(random, builder, budget);
      let image: Image = { name: x, shape: [channels, 8, 8], most: 300 };
      const steps = 2 + random.below(5);
      for (let i = 0; i < steps; i++) {
        const kind = random.below(6);
        if (kind === 0) image = maker.hardSwish(image);
        else if (kind === 1) image = maker.squeeze(image);
        else if (kind === 2) image = maker.shapes(image);
        else image = maker.conv(image, random.below(2) === 0 ? image : null);
      }
      return { y: image.name, z: maker.head(image) };
    },
  });
}
