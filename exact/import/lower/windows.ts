import type { Pads, Pair } from '../../graph.ts';
import type { Use } from '../use.ts';

/** Two numbers, one for each of height and width. */
export function pair(use: Use, name: string, fallback: Pair): Pair {
  const [h, w, ...rest] = use.numbers(name) ?? fallback;
  if (h === undefined || w === undefined || rest.length > 0) throw use.refuse(`${name} is not for two axes`);
  if (!(Number.isInteger(h) && Number.isInteger(w) && h > 0 && w > 0))
    throw use.refuse(`${name} [${h}, ${w}]`);
  return [h, w];
}

/** Four numbers that are not negative: top, left, bottom, right. */
export function padsOf(use: Use, numbers: readonly number[]): Pads {
  const [top, left, bottom, right, ...rest] = numbers;
  if (
    top === undefined ||
    left === undefined ||
    bottom === undefined ||
    right === undefined ||
    rest.length > 0
  )
    throw use.refuse('pads are not for two axes');
  const pads: Pads = [top, left, bottom, right];
  if (pads.some((pad) => !Number.isInteger(pad) || pad < 0)) throw use.refuse(`pads [${pads.join(', ')}]`);
  return pads;
}

type Window = { kernel: Pair; strides: Pair; dilations: Pair; pads: Pads };

const reach = ({ kernel, dilations }: Window, axis: 0 | 1): number =>
  (kernel[axis] - 1) * dilations[axis] + 1;

/** SAME: as many outputs as strides fit into the input, the odd pixel of padding at the end (UPPER) or the start (LOWER). */
function samePads(window: Window, image: readonly [number, number], upper: boolean): Pads {
  const around = ([0, 1] as const).map((axis) => {
    const outputs = Math.ceil(image[axis] / window.strides[axis]);
    const total = Math.max((outputs - 1) * window.strides[axis] + reach(window, axis) - image[axis], 0);
    const less = Math.floor(total / 2);
    return upper ? [less, total - less] : [total - less, less];
  });
  const [[top = 0, bottom = 0] = [], [left = 0, right = 0] = []] = around;
  return [top, left, bottom, right];
}

/** What conv and pools have in common, for an image [N, C, H, W]. `kernel` is that of the weights, where there are any. */
export function readWindow(use: Use, shape: readonly number[], weights?: Pair): Window {
  if (weights === undefined && !use.has('kernel_shape')) throw use.refuse('it has no kernel_shape');
  const kernel = pair(use, 'kernel_shape', weights ?? [1, 1]);
  if (weights && (kernel[0] !== weights[0] || kernel[1] !== weights[1]))
    throw use.refuse('kernel_shape is not that of its weights');
  const strides = pair(use, 'strides', [1, 1]);
  const dilations = pair(use, 'dilations', [1, 1]);
  const explicit = padsOf(use, use.numbers('pads') ?? [0, 0, 0, 0]);
  const auto = use.string('auto_pad', 'NOTSET');
  const window: Window = { kernel, strides, dilations, pads: explicit };
  if (auto === 'NOTSET') return window;
  if (auto === 'VALID') return { ...window, pads: [0, 0, 0, 0] };
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') throw use.refuse(`auto_pad ${auto}`);
  return { ...window, pads: samePads(window, [shape[2] ?? 0, shape[3] ?? 0], auto === 'SAME_UPPER') };
}

/** Height and width of what the window makes of an image [N, C, H, W]; `fit` says what happens to a window that juts out. */
export function slide(
  window: Window,
  shape: readonly number[],
  fit: (steps: number) => number = Math.floor,
): Pair {
  const size = (axis: 0 | 1): number => {
    const padded = (shape[2 + axis] ?? 0) + window.pads[axis] + window.pads[(axis + 2) as 2 | 3];
    return fit((padded - reach(window, axis)) / window.strides[axis]) + 1;
  };
  return [size(0), size(1)];
}
