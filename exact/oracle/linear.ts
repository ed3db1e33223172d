import { elements, type Value } from './value.ts';

const sizes = ({ shape }: Value): readonly [number, number, number, number] => {
  const [a = 1, b = 1, c = 1, d = 1] = shape;
  return [a, b, c, d];
};

export type Window = { strides: readonly number[]; pads: readonly number[]; dilations: readonly number[] };

const windows = (size: number, kernel: number, { strides, pads, dilations }: Window, axis: 0 | 1): number =>
  Math.floor(
    (size + (pads[axis] ?? 0) + (pads[axis + 2] ?? 0) - (dilations[axis] ?? 1) * (kernel - 1) - 1) /
      (strides[axis] ?? 1),
  ) + 1;

/** The windows o whose pixel o · stride + shift lies within the image: from the first to before the second. */
function inside(size: number, count: number, stride: number, shift: number): readonly [number, number] {
  const first = Math.max(0, Math.ceil(-shift / stride));
  const end = Math.min(count, Math.floor((size - 1 - shift) / stride) + 1);
  return [first, end];
}

/** Calls `row` for each tap and line of an output plane, with all that it needs to walk along the line. */
function eachRow(
  [height, width]: readonly [number, number],
  [outHeight, outWidth]: readonly [number, number],
  [kh, kw]: readonly [number, number],
  window: Window,
  row: (tap: number, target: number, source: number, length: number, stride: number) => void,
): void {
  const [sy = 1, sx = 1] = window.strides;
  for (let y = 0; y < kh; y++) {
    const shiftY = y * (window.dilations[0] ?? 1) - (window.pads[0] ?? 0);
    const [firstY, endY] = inside(height, outHeight, sy, shiftY);
    for (let x = 0; x < kw; x++) {
      const shiftX = x * (window.dilations[1] ?? 1) - (window.pads[1] ?? 0);
      const [firstX, endX] = inside(width, outWidth, sx, shiftX);
      for (let oy = firstY; oy < endY; oy++)
        row(
          y * kw + x,
          oy * outWidth + firstX,
          (oy * sy + shiftY) * width + firstX * sx + shiftX,
          endX - firstX,
          sx,
        );
    }
  }
}

export function conv(
  input: Value,
  weight: Value,
  bias: Float64Array | null,
  window: Window,
  groups: number,
): Value {
  const [batch, channels, height, width] = sizes(input);
  const [outputs, perGroup, kh, kw] = sizes(weight);
  const out = [windows(height, kh, window, 0), windows(width, kw, window, 1)] as const;
  const plane = out[0] * out[1];
  const data = new Float64Array(batch * outputs * plane);
  const [x, w] = [input.data, weight.data];
  for (let image = 0; image < batch; image++) {
    for (let output = 0; output < outputs; output++) {
      const target = (image * outputs + output) * plane;
      if (bias !== null) data.fill(bias[output] ?? NaN, target, target + plane);
      const first = Math.floor((output * groups) / outputs) * perGroup;
      for (let i = 0; i < perGroup; i++) {
        const source = (image * channels + first + i) * height * width;
        const kernel = (output * perGroup + i) * kh * kw;
        eachRow([height, width], out, [kh, kw], window, (tap, to, from, length, stride) => {
          const factor = w[kernel + tap] ?? NaN;
          const base = source + from;
          for (let k = 0; k < length; k++)
            data[target + to + k] = (data[target + to + k] ?? 0) + factor * (x[base + k * stride] ?? NaN);
        });
      }
    }
  }
  return { shape: [batch, outputs, ...out], data };
}

/** Kernels as wide as their stride. */
export function convTranspose(input: Value, weight: Value, bias: Float64Array | null, groups: number): Value {
  const [batch, channels, height, width] = sizes(input);
  const [, perGroup, kh, kw] = sizes(weight);
  const outputs = perGroup * groups;
  const [outHeight, outWidth] = [height * kh, width * kw];
  const data = new Float64Array(batch * outputs * outHeight * outWidth);
  const inGroup = channels / groups;
  for (let image = 0; image < batch; image++) {
    for (let output = 0; output < outputs; output++) {
      const target = (image * outputs + output) * outHeight * outWidth;
      if (bias !== null) data.fill(bias[output] ?? NaN, target, target + outHeight * outWidth);
      const first = Math.floor(output / perGroup) * inGroup;
      for (let channel = first; channel < first + inGroup; channel++) {
        const source = (image * channels + channel) * height * width;
        const kernel = (channel * perGroup + (output % perGroup)) * kh * kw;
        for (let y = 0; y < outHeight; y++) {
          const from = source + Math.floor(y / kh) * width;
          const line = kernel + (y % kh) * kw;
          for (let x = 0; x < outWidth; x++) {
            const at = target + y * outWidth + x;
            data[at] =
              (data[at] ?? 0) +
              (weight.data[line + (x % kw)] ?? NaN) * (input.data[from + Math.floor(x / kw)] ?? NaN);
          }
        }
      }
    }
  }
  return { shape: [batch, outputs, outHeight, outWidth], data };
}

/** [.., M, K] · [K, P], or · [.., K, P] with the same leading axes. */
export function matMul(a: Value, b: Value): Value {
  const inner = a.shape.at(-1) ?? 1;
  const columns = b.shape.at(-1) ?? 1;
  const shared = b.shape.length === 2;
  const rows = shared ? elements(a.shape) / inner : (a.shape.at(-2) ?? 1);
  const matrices = shared ? 1 : elements(a.shape.slice(0, -2));
  const data = new Float64Array(matrices * rows * columns);
  for (let matrix = 0; matrix < matrices; matrix++) {
    for (let row = 0; row < rows; row++) {
      const target = (matrix * rows + row) * columns;
      for (let k = 0; k < inner; k++) {
        const factor = a.data[(matrix * rows + row) * inner + k] ?? NaN;
        const from = (matrix * inner + k) * columns;
        for (let column = 0; column < columns; column++)
          data[target + column] = (data[target + column] ?? 0) + factor * (b.data[from + column] ?? NaN);
      }
    }
  }
  return { shape: [...a.shape.slice(0, -1), columns], data };
}

export function maxPool(input: Value, kernel: readonly number[], window: Window): Value {
  const [batch, channels, height, width] = sizes(input);
  const [kh = 1, kw = 1] = kernel;
  const out = [windows(height, kh, window, 0), windows(width, kw, window, 1)] as const;
  const plane = out[0] * out[1];
  const data = new Float64Array(batch * channels * plane).fill(-Infinity);
  for (let channel = 0; channel < batch * channels; channel++) {
    const [source, target] = [channel * height * width, channel * plane];
    eachRow([height, width], out, [kh, kw], window, (_tap, to, from, length, stride) => {
      for (let k = 0; k < length; k++) {
        const at = target + to + k;
        data[at] = Math.max(data[at] ?? NaN, input.data[source + from + k * stride] ?? NaN);
      }
    });
  }
  return { shape: [batch, channels, ...out], data };
}

/** Over some axes, which stay with size 1. */
export function reduce(input: Value, axes: readonly number[], f: (a: number, b: number) => number): Value {
  const rank = input.shape.length;
  const gone = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  const shape = input.shape.map((size, axis) => (gone.has(axis) ? 1 : size));
  const data = new Float64Array(elements(shape));
  const seen = new Uint8Array(data.length);
  // Where each input goes: row-major over what stays.
  const steps = input.shape.map((_, axis) => (gone.has(axis) ? 0 : elements(shape.slice(axis + 1))));
  const index = input.shape.map(() => 0);
  let target = 0;
  for (const value of input.data) {
    data[target] = seen[target] === 1 ? f(data[target] ?? NaN, value) : value;
    seen[target] = 1;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      if (next < (input.shape[axis] ?? 1)) {
        index[axis] = next;
        target += steps[axis] ?? 0;
        break;
      }
      target -= (next - 1) * (steps[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return { shape, data };
}
