import { value, type Tape, type Value } from './tape.ts';

/** Rows or columns of the output that a kernel's tap reaches without leaving the input. */
function reach(
  tap: number,
  pad: number,
  stride: number,
  size: number,
  out: number,
): [from: number, to: number] {
  const from = Math.max(0, Math.ceil((pad - tap) / stride));
  return [from, Math.min(out, Math.floor((size - 1 - tap + pad) / stride) + 1)];
}

/**
 * Convolution with a square kernel, padded by half of it. `weight` is [out, in / groups, k, k], `bias` [1, out, 1, 1] or null.
 */
export function convolve(
  tape: Tape,
  x: Value,
  weight: Value,
  bias: Value | null,
  stride: number,
  groups: number,
): Value {
  const [n, inputs, h, w] = x.shape;
  const [outputs, perGroup, k] = weight.shape;
  const pad = k >> 1;
  const oh = Math.floor((h + 2 * pad - k) / stride) + 1;
  const ow = Math.floor((w + 2 * pad - k) / stride) + 1;
  const y = value([n, outputs, oh, ow]);
  const outPlane = oh * ow;

  /** Calls `row` for each weight, image and output row, with where its input begins and how many columns it touches. */
  const walk = (row: (tap: number, from: number, to: number, count: number) => void): void => {
    for (let image = 0; image < n; image++)
      for (let o = 0; o < outputs; o++) {
        const first = Math.floor((o * groups) / outputs) * perGroup;
        for (let c = 0; c < perGroup; c++)
          for (let ky = 0; ky < k; ky++)
            for (let kx = 0; kx < k; kx++) {
              const [y0, y1] = reach(ky, pad, stride, h, oh);
              const [x0, x1] = reach(kx, pad, stride, w, ow);
              const tap = ((o * perGroup + c) * k + ky) * k + kx;
              for (let row_ = y0; row_ < y1; row_++) {
                const source = ((image * inputs + first + c) * h + row_ * stride + ky - pad) * w;
                const target = (image * outputs + o) * outPlane + row_ * ow + x0;
                row(tap, source + x0 * stride + kx - pad, target, x1 - x0);
              }
            }
      }
  };

  if (bias !== null)
    for (let i = 0; i < y.data.length; i++) y.data[i] = bias.data[Math.floor(i / outPlane) % outputs]!;
  walk((tap, source, target, count) => {
    const factor = weight.data[tap]!;
    for (let i = 0; i < count; i++) y.data[target + i]! += factor * x.data[source + i * stride]!;
  });
  tape.record(() => {
    if (bias !== null)
      for (let i = 0; i < y.grad.length; i++) bias.grad[Math.floor(i / outPlane) % outputs]! += y.grad[i]!;
    walk((tap, source, target, count) => {
      const factor = weight.data[tap]!;
      let total = 0;
      for (let i = 0; i < count; i++) {
        const grad = y.grad[target + i]!;
        total += grad * x.data[source + i * stride]!;
        x.grad[source + i * stride]! += grad * factor;
      }
      weight.grad[tap]! += total;
    });
  });
  return y;
}
