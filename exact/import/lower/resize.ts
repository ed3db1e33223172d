import { elements } from '../tensor.ts';
import type { Use } from '../use.ts';

/** From a place in the output to the place in the input (ONNX Resize-19, coordinate_transformation_mode). */
function coordinates(
  use: Use,
  mode: string,
): (x: number, factor: number, from: number, to: number) => number {
  switch (mode) {
    case 'asymmetric':
      return (x, factor) => x / factor;
    case 'half_pixel':
      return (x, factor) => (x + 0.5) / factor - 0.5;
    case 'pytorch_half_pixel':
      return (x, factor, _, to) => (to > 1 ? (x + 0.5) / factor - 0.5 : 0);
    case 'tf_half_pixel_for_nn':
      return (x, factor) => (x + 0.5) / factor;
    case 'align_corners':
      return (x, _, from, to) => (to > 1 ? (x * (from - 1)) / (to - 1) : 0);
    default:
      throw use.refuse(`coordinate_transformation_mode ${mode}`);
  }
}

function rounding(use: Use, mode: string): (place: number) => number {
  switch (mode) {
    case 'floor':
      return Math.floor;
    case 'ceil':
      return Math.ceil;
    case 'round_prefer_floor':
      return (place) => Math.ceil(place - 0.5);
    case 'round_prefer_ceil':
      return (place) => Math.floor(place + 0.5);
    default:
      throw use.refuse(`nearest_mode ${mode}`);
  }
}

/** Output sizes by axis of [N, C, H, W]. Scales and sizes moved about between opsets. */
function targetOf(use: Use, shape: readonly number[]): number[] {
  const { operator } = use.node;
  const older = operator === 'Upsample' || use.opset < 11;
  if (!older) use.ignore('extrapolation_value', 'cubic_coeff_a', 'exclude_outside', 'antialias');
  if (!older) use.optional(1); // the region of interest, which only another mode of coordinates reads
  use.expect('keep_aspect_ratio_policy', 'stretch');
  const sizes = older ? undefined : use.list('sizes', 3);
  const scales = use.numbers('scales') ?? use.optionalConstant(older ? 1 : 2)?.data ?? [];
  const axes = use.numbers('axes') ?? [0, 1, 2, 3];
  const given =
    sizes ?? [...scales].map((scale, index) => Math.floor((shape[axes[index] ?? -1] ?? 0) * scale));
  if (given.length !== axes.length) throw use.refuse(`${given.length} sizes for ${axes.length} axes`);
  const target = [...shape];
  for (const [index, axis] of axes.entries()) target[use.axis(axis, 4)] = given[index] ?? 0;
  return target;
}

/** ONNX Resize-10 to -19 and Upsample-7, -9, where every pixel is repeated a whole number of times. */
export function resize(use: Use): void {
  const { id, shape } = use.plain(0, 4);
  use.expect('mode', 'nearest');
  const older = use.node.operator === 'Upsample' || use.opset < 11;
  const place = coordinates(
    use,
    older ? 'asymmetric' : use.string('coordinate_transformation_mode', 'half_pixel'),
  );
  const round = rounding(use, older ? 'floor' : use.string('nearest_mode', 'round_prefer_floor'));
  const target = targetOf(use, shape);
  const factors = target.map((size, axis) => size / (shape[axis] ?? 1));
  const [n, c, y = 0, x = 0] = factors;
  const whole = n === 1 && c === 1 && factors.every((factor) => Number.isInteger(factor) && factor >= 1);
  if (!whole) throw use.refuse(`[${shape.join(', ')}] to [${target.join(', ')}] is not by whole factors`);
  elements(target, use.node.name);
  for (const axis of [2, 3]) {
    const [from = 0, to = 0, factor = 1] = [shape[axis], target[axis], factors[axis]];
    for (let at = 0; at < to; at++) {
      const source = Math.min(Math.max(round(place(at, factor, from, to)), 0), from - 1);
      if (source !== Math.floor(at / factor))
        throw use.refuse('its rounding does not repeat every pixel as often');
    }
  }
  if (y === 1 && x === 1) return use.give({ activation: { id, shape, batch: 0 } });
  use.emit({ kind: 'upsample', input: id, factors: [y, x] }, target);
}
