import type { Pads, Pair } from '../graph.ts';

/** Sizes of [N, C, H, W] or of anything of four axes. */
export type Sizes = readonly [number, number, number, number];

export function sizesOf(shape: readonly number[]): Sizes {
  const [n, c, h, w, ...rest] = shape;
  if (n === undefined || c === undefined || h === undefined || w === undefined || rest.length > 0)
    throw new RangeError(`shape: [${shape.join(', ')}] is no image`);
  return [n, c, h, w];
}

/** The steps 0 to n − 1 whose place start + step · stride lies within [0, size): from `first` up to, not including, `end`. */
function within(start: number, stride: number, size: number, n: number): { first: number; end: number } {
  const first = Math.max(Math.ceil(-start / stride), 0);
  return { first, end: Math.max(Math.min(Math.ceil((size - start) / stride), n), first) };
}

type Window = { strides: Pair; dilations: Pair; pads: Pads; kernel: Pair };
type Plane = { data: Float64Array; start: number; height: number; width: number };

/**
 * Calls `visit` for each run of output pixels in a row that one element of the kernel reads: the element, the first output
 * pixel and the first input pixel (indices into the data), how many, and the distance between input pixels. Padding is left
 * out.
 */
export function eachRun(
  window: Window,
  input: Omit<Plane, 'data'>,
  output: Omit<Plane, 'data'>,
  visit: (element: number, to: number, from: number, count: number, step: number) => void,
): void {
  const [[sy, sx], [dy, dx], [kh, kw]] = [window.strides, window.dilations, window.kernel];
  for (let ky = 0; ky < kh; ky++) {
    const top = ky * dy - window.pads[0];
    const rows = within(top, sy, input.height, output.height);
    for (let kx = 0; kx < kw; kx++) {
      const left = kx * dx - window.pads[1];
      const { first, end } = within(left, sx, input.width, output.width);
      for (let y = rows.first; y < rows.end; y++) {
        const from = input.start + (top + y * sy) * input.width + left + first * sx;
        visit(ky * kw + kx, output.start + y * output.width + first, from, end - first, sx);
      }
    }
  }
}
