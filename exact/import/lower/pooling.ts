import type { Pads, Pair } from '../../graph.ts';
import { withLast } from '../tensor.ts';
import { type Activation, onnxShape, type Use } from '../use.ts';
import { readWindow, slide } from './windows.ts';

/** With ceil_mode a last window may jut out over the end, but must not start there (PyTorch's rule, and ONNX's since 22). */
function outgrown(
  use: Use,
  shape: readonly number[],
): { size: Pair; extra: Pair; kernel: Pair; strides: Pair; pads: Pads } {
  const window = readWindow(use, shape);
  const { kernel, strides, pads } = window;
  if (window.dilations.some((dilation) => dilation !== 1))
    throw use.refuse('dilations of a pool are not known');
  if (use.number('ceil_mode', 0) === 0)
    return { size: slide(window, shape), extra: [0, 0], kernel, strides, pads };
  const ceiled = slide(window, shape, Math.ceil);
  const size = ([0, 1] as const).map((axis) => {
    const end = (shape[2 + axis] ?? 0) + pads[axis];
    return (ceiled[axis] - 1) * strides[axis] >= end ? ceiled[axis] - 1 : ceiled[axis];
  });
  const extra = size.map((count, axis) => {
    const padded = (shape[2 + axis] ?? 0) + (pads[axis] ?? 0) + (pads[axis + 2] ?? 0);
    return Math.max((count - 1) * (strides[axis] ?? 1) + (kernel[axis] ?? 1) - padded, 0);
  });
  return { size: [size[0] ?? 0, size[1] ?? 0], extra: [extra[0] ?? 0, extra[1] ?? 0], kernel, strides, pads };
}

/** ONNX MaxPool-1 to -12; padding never wins, so what juts out is padding like any other. */
export function maxPool(use: Use): void {
  const { id, shape } = use.plain(0, 4);
  use.ignore('storage_order');
  const {
    size,
    extra,
    kernel,
    strides,
    pads: [top, left, bottom, right],
  } = outgrown(use, shape);
  const pads: Pads = [top, left, bottom + extra[0], right + extra[1]];
  if (top >= kernel[0] || left >= kernel[1] || pads[2] >= kernel[0] || pads[3] >= kernel[1])
    throw use.refuse('a window may hold nothing but padding');
  use.emit({ kind: 'max-pool', input: id, kernel, strides, pads }, [1, shape[1] ?? 0, ...size]);
}

/** ONNX AveragePool-1 to -19. */
export function averagePool(use: Use): void {
  const { id, shape } = use.plain(0, 4);
  const { size, extra, kernel, strides, pads } = outgrown(use, shape);
  const padded = pads.some((pad) => pad !== 0);
  if (extra.some((pixels) => pixels > 0))
    throw use.refuse('a window that juts out over the end is not known');
  if (use.number('count_include_pad', 0) === 0 && padded)
    throw use.refuse('padding that is not counted is not known');
  const whole = !padded && kernel[0] === shape[2] && kernel[1] === shape[3];
  if (whole) return use.emit({ kind: 'global-average', input: id }, [1, shape[1] ?? 0, 1, 1]);
  use.emit({ kind: 'average-pool', input: id, kernel, strides, pads }, [1, shape[1] ?? 0, ...size]);
}

/** ONNX GlobalAveragePool-1. */
export function globalAveragePool(use: Use): void {
  const { id, shape } = use.plain(0, 4);
  use.emit({ kind: 'global-average', input: id }, [1, shape[1] ?? 0, 1, 1]);
}

/** Over the last axis, which stays: a piece of a layer norm. */
function meanLast(use: Use, input: Activation): void {
  use.emit({ kind: 'mean-last', input: input.id }, withLast(input.shape, 1), { batch: input.batch });
}

/** ONNX ReduceMean-1 to -18, over the pixels of an image or over the last axis. */
export function reduceMean(use: Use): void {
  const input = use.activation(0);
  const rank = input.shape.length;
  const wanted = use.list('axes', 1) ?? [...onnxShape(input).keys()];
  const axes = wanted.map((axis) => use.graphAxis(input, axis)).toSorted((a, b) => a - b);
  use.expect('noop_with_empty_axes', 0);
  const keep = use.number('keepdims', 1) !== 0;
  if (axes.length === 1 && axes[0] === rank - 1 && keep) return meanLast(use, input);
  if (rank !== 4 || input.batch !== 0 || axes.join() !== '2,3')
    throw use.refuse(
      `a mean over axes [${wanted.join(', ')}] of ${rank} is known only over height and width`,
    );
  const channels = input.shape[1] ?? 0;
  if (keep) return use.emit({ kind: 'global-average', input: input.id }, [1, channels, 1, 1]);
  use.emitFlattened({ kind: 'global-average', input: input.id }, [1, channels, 1, 1], [1, channels]);
}
