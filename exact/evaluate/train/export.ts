import { model, type NodeSpec, type TensorSpec } from '../../testing/models.ts';
import { EPSILON } from './batch-norm.ts';
import type { Network, Operations } from './networks.ts';
import type { Weights } from './trainer.ts';

/** What networks mean when they are written to a file: nodes, as PyTorch's exporter spells them. */
class Export implements Operations<string> {
  readonly nodes: NodeSpec[] = [];
  readonly initializers: Record<string, TensorSpec> = {};
  readonly #weights: Weights;

  constructor(weights: Weights) {
    this.#weights = weights;
  }

  convolution(x: string, name: string, options: Parameters<Operations<string>['convolution']>[2]): string {
    const { size, stride = 1, depthwise = false, out } = options;
    const attributes = {
      dilations: [1, 1],
      group: depthwise ? out : 1,
      kernel_shape: [size, size],
      pads: Array.from({ length: 4 }, () => size >> 1),
      strides: [stride, stride],
    };
    const y = this.#node('Conv', [x, this.#learnt(`${name}.weight`)], name, attributes);
    const running = this.#weights.running.get(name);
    if (running === undefined) throw new Error(`${name}: never trained`);
    const statistics = [
      this.#constant(`${name}.mean`, { shape: [out], data: running.mean }),
      this.#constant(`${name}.variance`, { shape: [out], data: running.variance }),
    ];
    const [scale, shift] = [this.#learnt(`${name}.scale`, [out]), this.#learnt(`${name}.shift`, [out])];
    return this.#node('BatchNormalization', [y, scale, shift, ...statistics], `${name}.norm`, {
      epsilon: { float: EPSILON },
    });
  }

  dense(x: string, name: string, out: number): string {
    const inputs = [x, this.#learnt(`${name}.weight`), this.#learnt(`${name}.bias`, [out])];
    return this.#node('Conv', inputs, name, {
      kernel_shape: [1, 1],
      pads: [0, 0, 0, 0],
      strides: [1, 1],
    });
  }

  classify(x: string, name: string, classes: number): string {
    const flat = this.#node('Flatten', [x], `${name}.flat`, { axis: 1 });
    const { shape } = this.#parameter(`${name}.weight`);
    const weight = this.#learnt(`${name}.weight`, [classes, shape[1]]);
    const bias = this.#learnt(`${name}.bias`, [classes]);
    return this.#node('Gemm', [flat, weight, bias], name, { transB: 1 });
  }

  relu(x: string): string {
    return this.#node('Relu', [x], `${x}.relu`);
  }

  hardSwish(x: string): string {
    return this.#node('HardSwish', [x], `${x}.hard-swish`);
  }

  hardSigmoid(x: string): string {
    return this.#node('HardSigmoid', [x], `${x}.gate`, { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
  }

  add(a: string, b: string): string {
    return this.#node('Add', [a, b], `${a}.sum`);
  }

  gate(x: string, by: string): string {
    return this.#node('Mul', [x, by], `${x}.gated`);
  }

  globalAverage(x: string): string {
    return this.#node('GlobalAveragePool', [x], `${x}.average`);
  }

  #node(
    operator: string,
    inputs: readonly string[],
    output: string,
    attributes: NonNullable<NodeSpec['attributes']> = {},
  ): string {
    this.nodes.push({ operator, inputs, outputs: [output], attributes });
    return output;
  }

  #parameter(name: string): { shape: readonly number[]; data: Float32Array } {
    const parameter = this.#weights.parameters.get(name);
    if (parameter === undefined) throw new Error(`${name}: never trained`);
    return parameter;
  }

  #learnt(name: string, shape: readonly (number | undefined)[] = this.#parameter(name).shape): string {
    return this.#constant(name, { shape: shape.map(Number), data: this.#parameter(name).data });
  }

  #constant(name: string, tensor: TensorSpec): string {
    this.initializers[name] = tensor;
    return name;
  }
}

/** The network as an ONNX file: "pixels" [N, channels, side, side] to "probabilities" [N, classes]. */
export function exportNetwork(
  network: Network,
  weights: Weights,
  [channels, height, width]: readonly [number, number, number],
): Uint8Array {
  const to = new Export(weights);
  const logits = network<string>(to, 'pixels');
  const nodes = [
    ...to.nodes,
    { operator: 'Softmax', inputs: [logits], outputs: ['probabilities'], attributes: { axis: 1 } },
  ];
  return model({
    inputs: { pixels: ['N', channels, height, width] },
    initializers: to.initializers,
    nodes,
    outputs: ['probabilities'],
  });
}
