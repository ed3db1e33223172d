import { withWeights } from './weights.ts';

/** An ONNX file in, a cheaper or altered one out. */
type Substitution = (file: Uint8Array) => Uint8Array;

/** The nearest half-precision number (IEEE 754 binary16), back in single precision. */
const toHalf = (value: number): number => new Float16Array([value])[0] ?? 0;

const largest = (values: Float32Array): number =>
  values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Symmetric quantisation per tensor to `levels` steps on either side of zero. */
function quantise(values: Float32Array, levels: number): void {
  const scale = largest(values) / levels;
  if (scale > 0) values.forEach((value, i) => (values[i] = Math.round(value / scale) * scale));
}

/** The smaller half of the weights, by magnitude, set to zero: what pruning makes a smaller model of. */
function prune(values: Float32Array): void {
  const magnitudes = values.map((value) => Math.abs(value)).sort();
  const middle = magnitudes[magnitudes.length >> 1] ?? 0;
  values.forEach((value, i) => (values[i] = Math.abs(value) < middle ? 0 : value));
}

/** Adds 5 % to the weight of middle magnitude of the `nth` tensor: one that matters, and not the most. */
function nudgeOne(nth: number): Substitution {
  return (file) => {
    let at = 0;
    return withWeights(file, ({ values }) => {
      if (at++ !== nth) return;
      const order = [...values.keys()].sort((a, b) => Math.abs(values[a] ?? 0) - Math.abs(values[b] ?? 0));
      const middle = order[order.length >> 1] ?? 0;
      values[middle] = (values[middle] ?? 0) * 1.05;
    });
  };
}

/** The largest tensor of weights, half as large again: a file that somebody has tampered with, and that still loads. */
function scaleLargest(file: Uint8Array): Uint8Array {
  let most = 0;
  withWeights(file, ({ values }) => void (most = Math.max(most, values.length)));
  return withWeights(file, ({ values }) => {
    if (values.length === most) values.forEach((value, i) => (values[i] = 1.5 * value));
  });
}

/** Cheaper or altered models in place of the one that is paid for. */
export const SUBSTITUTIONS = {
  fp16: (file) => withWeights(file, ({ values }) => values.forEach((v, i) => (values[i] = toHalf(v)))),
  int8: (file) => withWeights(file, ({ values }) => quantise(values, 127)),
  int4: (file) => withWeights(file, ({ values }) => quantise(values, 7)),
  pruned: (file) => withWeights(file, ({ values }) => prune(values)),
  tampered: scaleLargest,
} as const satisfies Record<string, Substitution>;
export type SubstitutionName = keyof typeof SUBSTITUTIONS;

/** Copies of a model that differ in one weight each, spread over its tensors. */
export function singleWeightCopies(file: Uint8Array, copies: number): Uint8Array[] {
  let tensors = 0;
  withWeights(file, () => void (tensors += 1));
  return Array.from({ length: copies }, (_, i) => nudgeOne(Math.floor(((i + 0.5) * tensors) / copies))(file));
}
