import { value, type Tape, type Value } from './tape.ts';

/** Running statistics, [c] each. */
export type Running = { mean: Float32Array; variance: Float32Array };

export const EPSILON = 1e-5;
/** Share of a batch in the running statistics. */
const MOMENTUM = 0.05;

/** Batch normalisation by the statistics of this batch, which flow into the running ones. `scale` and `shift` are [1, c, 1, 1]. */
export function normaliseBatch(tape: Tape, x: Value, scale: Value, shift: Value, running: Running): Value {
  const [n, c, h, w] = x.shape;
  const plane = h * w;
  const count = n * plane;
  const y = value(x.shape);
  const means = new Float64Array(c);
  const inverse = new Float64Array(c);
  /** Calls `run` with where each image's plane of a channel begins. */
  const planes = (channel: number, run: (at: number) => void): void => {
    for (let image = 0; image < n; image++) run((image * c + channel) * plane);
  };
  for (let channel = 0; channel < c; channel++) {
    let [total, squares] = [0, 0];
    planes(channel, (at) => {
      for (let i = at; i < at + plane; i++) {
        total += x.data[i]!;
        squares += x.data[i]! * x.data[i]!;
      }
    });
    const mean: number = total / count;
    const variance = Math.max(0, squares / count - mean ** 2);
    means[channel] = mean;
    inverse[channel] = 1 / Math.sqrt(variance + EPSILON);
    running.mean[channel]! += MOMENTUM * (mean - running.mean[channel]!);
    running.variance[channel]! += MOMENTUM * (variance - running.variance[channel]!);
    const factor = inverse[channel]! * scale.data[channel]!;
    planes(channel, (at) => {
      for (let i = at; i < at + plane; i++) y.data[i] = (x.data[i]! - mean) * factor + shift.data[channel]!;
    });
  }
  tape.record(() => {
    for (let channel = 0; channel < c; channel++) {
      const [mean, inv] = [means[channel]!, inverse[channel]!];
      let [grads, products] = [0, 0];
      planes(channel, (at) => {
        for (let i = at; i < at + plane; i++) {
          grads += y.grad[i]!;
          products += y.grad[i]! * (x.data[i]! - mean) * inv;
        }
      });
      shift.grad[channel]! += grads;
      scale.grad[channel]! += products;
      const factor = scale.data[channel]! * inv;
      planes(channel, (at) => {
        for (let i = at; i < at + plane; i++) {
          const standard = (x.data[i]! - mean) * inv;
          x.grad[i]! += factor * (y.grad[i]! - grads / count - (standard * products) / count);
        }
      });
    }
  });
  return y;
}
