import type { Value } from './tape.ts';

/** Kingma and Ba, "Adam", 2014, Algorithm 1, with their constants. */
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

export class Adam {
  readonly #moments = new Map<string, { first: Float32Array; second: Float32Array }>();
  #step = 0;

  /** One step against the gradients, which become zero. */
  update(parameters: ReadonlyMap<string, Value>, rate: number): void {
    this.#step++;
    const [bias1, bias2] = [1 - BETA1 ** this.#step, 1 - BETA2 ** this.#step];
    for (const [name, { data, grad }] of parameters) {
      let moments = this.#moments.get(name);
      if (moments === undefined) {
        moments = { first: new Float32Array(data.length), second: new Float32Array(data.length) };
        this.#moments.set(name, moments);
      }
      const { first, second } = moments;
      for (let i = 0; i < data.length; i++) {
        first[i] = BETA1 * first[i]! + (1 - BETA1) * grad[i]!;
        second[i] = BETA2 * second[i]! + (1 - BETA2) * grad[i]! ** 2;
        data[i]! -= (rate * (first[i]! / bias1)) / (Math.sqrt(second[i]! / bias2) + EPSILON);
      }
      grad.fill(0);
    }
  }
}
