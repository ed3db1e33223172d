/**
 * Just enough of reverse-mode differentiation to train small convolutional networks: values remember how to give their gradient
 * back, in the order in which they were made. f32 data, f64 sums where they are long.
 */

/** [n, c, h, w] in row-major order. */
export type Shape = readonly [n: number, c: number, h: number, w: number];
export type Value = { shape: Shape; data: Float32Array; grad: Float32Array };

export const elements = ([n, c, h, w]: Shape): number => n * c * h * w;

export const value = (shape: Shape, data = new Float32Array(elements(shape))): Value => ({
  shape,
  data,
  grad: new Float32Array(data.length),
});

export class Tape {
  readonly #steps: (() => void)[] = [];

  /** `back` adds to the gradients of what was read. */
  record(back: () => void): void {
    this.#steps.push(back);
  }

  /** Runs backwards, once. Gradients of the last value are set by the caller. */
  unwind(): void {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) step();
  }
}

/** y = f(x) for each element; `slope` is f'. */
export function elementwise(
  tape: Tape,
  x: Value,
  f: (x: number) => number,
  slope: (x: number) => number,
): Value {
  const y = value(x.shape);
  for (let i = 0; i < y.data.length; i++) y.data[i] = f(x.data[i]!);
  tape.record(() => {
    for (let i = 0; i < y.grad.length; i++) x.grad[i]! += y.grad[i]! * slope(x.data[i]!);
  });
  return y;
}

export function add(tape: Tape, a: Value, b: Value): Value {
  const y = value(a.shape, a.data.slice());
  for (let i = 0; i < y.data.length; i++) y.data[i]! += b.data[i]!;
  tape.record(() => {
    for (let i = 0; i < y.grad.length; i++) {
      a.grad[i]! += y.grad[i]!;
      b.grad[i]! += y.grad[i]!;
    }
  });
  return y;
}

/** Every pixel of a channel times its gate, [n, c, 1, 1]. */
export function gate(tape: Tape, x: Value, g: Value): Value {
  const [, , h, w] = x.shape;
  const plane = h * w;
  const y = value(x.shape);
  for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[i]! * g.data[Math.floor(i / plane)]!;
  tape.record(() => {
    for (let i = 0; i < y.grad.length; i++) {
      const of = Math.floor(i / plane);
      x.grad[i]! += y.grad[i]! * g.data[of]!;
      g.grad[of]! += y.grad[i]! * x.data[i]!;
    }
  });
  return y;
}

export function globalAverage(tape: Tape, x: Value): Value {
  const [n, c, h, w] = x.shape;
  const plane = h * w;
  const y = value([n, c, 1, 1]);
  for (let i = 0; i < x.data.length; i++) y.data[Math.floor(i / plane)]! += x.data[i]! / plane;
  tape.record(() => {
    for (let i = 0; i < x.grad.length; i++) x.grad[i]! += y.grad[Math.floor(i / plane)]! / plane;
  });
  return y;
}
