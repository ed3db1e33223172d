import type { Random } from '../../../subnet/models/random.ts';
import { normaliseBatch, type Running } from './batch-norm.ts';
import { convolve } from './convolve.ts';
import type { Network, Operations } from './networks.ts';
import { add, elementwise, gate, globalAverage, Tape, value, type Shape, type Value } from './tape.ts';

/** What is learnt, by name. */
export type Weights = { parameters: Map<string, Value>; running: Map<string, Running> };

const clip01 = (x: number): number => Math.min(1, Math.max(0, x));

/** What networks mean while they are trained. Parameters are made when they are first asked for, from `random`. */
export class Training implements Operations<Value> {
  readonly weights: Weights = { parameters: new Map(), running: new Map() };
  readonly #random: Random;
  #tape = new Tape();

  constructor(random: Random) {
    this.#random = random;
  }

  convolution(x: Value, name: string, options: Parameters<Operations<Value>['convolution']>[2]): Value {
    const { out, size, stride = 1, depthwise = false } = options;
    const inputs = x.shape[1];
    const perGroup = depthwise ? 1 : inputs;
    const weight = this.#weight(`${name}.weight`, [out, perGroup, size, size], perGroup * size * size);
    const y = convolve(this.#tape, x, weight, null, stride, depthwise ? inputs : 1);
    const scale = this.#filled(`${name}.scale`, out, 1);
    const shift = this.#filled(`${name}.shift`, out, 0);
    let running = this.weights.running.get(name);
    if (running === undefined) {
      running = { mean: new Float32Array(out), variance: new Float32Array(out).fill(1) };
      this.weights.running.set(name, running);
    }
    return normaliseBatch(this.#tape, y, scale, shift, running);
  }

  dense(x: Value, name: string, out: number): Value {
    const weight = this.#weight(`${name}.weight`, [out, x.shape[1], 1, 1], x.shape[1]);
    return convolve(this.#tape, x, weight, this.#filled(`${name}.bias`, out, 0), 1, 1);
  }

  classify(x: Value, name: string, classes: number): Value {
    return this.dense(x, name, classes);
  }

  relu(x: Value): Value {
    return elementwise(
      this.#tape,
      x,
      (v) => Math.max(0, v),
      (v) => (v > 0 ? 1 : 0),
    );
  }

  hardSwish(x: Value): Value {
    return elementwise(
      this.#tape,
      x,
      (v) => v * clip01(v / 6 + 0.5),
      (v) => (v <= -3 ? 0 : v >= 3 ? 1 : v / 3 + 0.5),
    );
  }

  hardSigmoid(x: Value): Value {
    return elementwise(
      this.#tape,
      x,
      (v) => clip01(v / 6 + 0.5),
      (v) => (v > -3 && v < 3 ? 1 / 6 : 0),
    );
  }

  add(a: Value, b: Value): Value {
    return add(this.#tape, a, b);
  }

  gate(x: Value, by: Value): Value {
    return gate(this.#tape, x, by);
  }

  globalAverage(x: Value): Value {
    return globalAverage(this.#tape, x);
  }

  /** Gradients of the mean cross-entropy over a batch, added to those of the parameters; gives the loss. */
  learn(network: Network, x: Value, labels: readonly number[]): number {
    this.#tape = new Tape();
    const logits = network<Value>(this, x);
    const classes = logits.shape[1];
    let loss = 0;
    for (const [i, label] of labels.entries()) {
      const row = logits.data.subarray(i * classes, (i + 1) * classes);
      const highest = Math.max(...row);
      const powers = Array.from(row, (v) => Math.exp(v - highest));
      const total = powers.reduce((a, b) => a + b, 0);
      for (const [k, power] of powers.entries())
        logits.grad[i * classes + k] = (power / total - Number(k === label)) / labels.length;
      loss += Math.log(total / (powers[label] ?? NaN)) / labels.length;
    }
    this.#tape.unwind();
    return loss;
  }

  /** He's initialisation: deviation √(2 / fan-in). */
  #weight(name: string, shape: Shape, fanIn: number): Value {
    return this.#parameter(name, shape, () => this.#random.normal() * Math.sqrt(2 / fanIn));
  }

  #filled(name: string, size: number, of: number): Value {
    return this.#parameter(name, [1, size, 1, 1], () => of);
  }

  #parameter(name: string, shape: Shape, start: () => number): Value {
    const known = this.weights.parameters.get(name);
    if (known !== undefined) return known;
    const made = value(shape);
    made.data.forEach((_, i) => (made.data[i] = start()));
    this.weights.parameters.set(name, made);
    return made;
  }
}
