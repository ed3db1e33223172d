import type { Context } from './context.ts';
import type { Target } from './plan.ts';
import type { Prepared } from './prepare.ts';
import { Refusal } from './refusal.ts';
import { clipAndFloor, demandBound, requantise, withZero } from './requantise.ts';
import { at, mapChannels, uniform, type Typed } from './typed.ts';

const HALF = 0.5;

/** m where a value's scale is 3 · 2^-m, so that x/6 + 1/2 is q · 2^-(m+1) + 1/2; null elsewhere. */
function swishExponent(x: Typed): number | null {
  const scale = uniform(x.scale);
  if (scale === null || x.fraction !== 0 || x.zero.some((zero) => zero !== 0)) return null;
  for (let m = -8; m <= 20; m++) if (scale === 3 * 2 ** -m) return m;
  return null;
}

/**
 * x · clip(x/6 + 1/2, 0, 1) with x = 3 · 2^-m · q: Floor(q · HardSigmoid(q; 2^-(m+1), 1/2) + 1/2). An affine map after it
 * changes what a unit stands for, and the whole part of its shift joins the half.
 */
export function emitHardSwish(
  context: Context,
  op: Extract<Prepared, { kind: 'hard-swish' }>,
  given: Typed,
  wanted: Target,
): Typed {
  const post = op.post ?? { scale: 1, shift: 0 };
  let x = given;
  let m = swishExponent(x);
  if (m === null) {
    const step = at(wanted.scale, 0) / post.scale;
    const target = { ...wanted, scale: Float64Array.of(step), final: false };
    const fits = swishExponent({
      ...x,
      scale: x.scale.map(() => step),
      zero: x.zero.map(() => 0),
      fraction: 0,
    });
    if (fits === null)
      throw new Refusal('UNSUPPORTED', `${op.name}: its input shares a scale that hard-swish cannot have`);
    target.low = Math.round(-3 / step);
    m = fits;
    x = requantise(context, x, target, `${op.output}/in`);
  }
  const { builder } = context;
  const fraction = m + 1;
  const gate = builder.node('HardSigmoid', [x.name], `${op.output}/gate`, {
    alpha: { float: 2 ** -fraction },
    beta: { float: HALF },
  });
  const scale = (x.scale[0] ?? 1) * post.scale;
  const offset = post.shift / scale;
  const bounded = clampOf(op, scale, wanted);
  // What is added before the whole part is taken: nothing where a bias takes in the half, and the shift.
  const added = wanted.absorbed && bounded === null ? 0 : HALF + Math.round(offset);
  // As intervals, since that is all that a checker needs to believe: x times something in [0, 1].
  const product = {
    low: x.low.map((low) => Math.min(0, low)),
    high: x.high.map((high) => Math.max(0, high)),
    fraction,
  };
  demandBound(op.name, 'x · HardSigmoid(x)', product);
  demandBound(op.name, 'alpha · x + 1/2', {
    low: x.low.map((low) => low * 2 ** -fraction + HALF),
    high: x.high.map((high) => high * 2 ** -fraction + HALF),
    fraction,
  });
  const sum = {
    low: product.low.map((low) => low + added),
    high: product.high.map((high) => high + added),
    fraction,
  };
  demandBound(op.name, 'x · HardSigmoid(x) + 1/2', sum);
  const multiplied = builder.node('Mul', [x.name, gate], `${op.output}/product`);
  const halved =
    added === 0 ? multiplied : builder.node('Add', [multiplied, builder.scalar(added)], `${op.output}/half`);
  return {
    ...clipAndFloor(context, { ...sum, name: halved, shape: x.shape }, bounded, op.output),
    shape: x.shape,
    scale: x.scale.map(() => scale),
    zero: x.zero.map(() => offset + HALF - added),
    fraction: 0,
  };
}

/** Bounds of a Clip that followed, in units; null where there was none. */
export function clampOf(
  { clamp }: Prepared,
  scale: number,
  wanted: Target,
): Pick<Target, 'low' | 'high'> | null {
  if (clamp[0] === -Infinity && clamp[1] === Infinity) return null;
  return {
    low: clamp[0] === -Infinity ? wanted.low : Math.round(clamp[0] / scale),
    high: clamp[1] === Infinity ? wanted.high : Math.round(clamp[1] / scale),
  };
}

/** The product of two values, on the grid nearest to what is wanted that a power of two reaches. */
export function emitMul(
  context: Context,
  op: Extract<Prepared, { kind: 'mul' }>,
  left: Typed,
  right: Typed,
  wanted: Target,
): Typed {
  const x = withZero(context, left);
  const given = withZero(context, right);
  const channels = x.scale.length;
  // The scale of the product may differ by channel, but the step between is the same for all.
  const ratio = at(wanted.scale, 0) / ((x.scale[0] ?? 1) * (given.scale[0] ?? 1));
  let shift = 0;
  while (2 ** shift * Math.SQRT2 < ratio) shift++;
  const step = 2 ** -shift;
  const { builder } = context;
  const gate =
    shift === 0
      ? given
      : {
          ...given,
          name: builder.node('Mul', [given.name, builder.scalar(step)], `${op.output}/gate`),
          fraction: given.fraction + shift,
          low: given.low.map((value) => value * step),
          high: given.high.map((value) => value * step),
        };
  const products = (pick: (...all: number[]) => number) => (channel: number) => {
    const [a, b, c, d] = [
      x.low[channel] ?? 0,
      x.high[channel] ?? 0,
      gate.low[channel] ?? 0,
      gate.high[channel] ?? 0,
    ];
    return pick(a * c, a * d, b * c, b * d);
  };
  const product = {
    low: mapChannels(channels, products(Math.min)),
    high: mapChannels(channels, products(Math.max)),
    fraction: x.fraction + gate.fraction,
  };
  demandBound(op.name, 'a product', product);
  const multiplied = builder.node('Mul', [x.name, gate.name], `${op.output}/product`);
  const scale = mapChannels(channels, (c) => ((x.scale[c] ?? 1) * (given.scale[c] ?? 1)) / step);
  const bounded = clampOf(op, scale[0] ?? 1, wanted);
  const rounds = product.fraction > 0;
  const half = rounds && !(wanted.absorbed && bounded === null) ? HALF : 0;
  const halved =
    half === 0 ? multiplied : builder.node('Add', [multiplied, builder.scalar(half)], `${op.output}/half`);
  const sum = {
    name: halved,
    shape: x.shape,
    low: product.low.map((value) => value + half),
    high: product.high.map((value) => value + half),
    fraction: Math.max(1, product.fraction),
  };
  demandBound(op.name, 'a product and its half', sum);
  return {
    ...clipAndFloor(context, sum, bounded, op.output),
    shape: x.shape,
    scale,
    zero: new Float64Array(channels).fill(rounds ? HALF - half : 0),
    fraction: 0,
  };
}

/** The sum of two values, brought to the same scale first where they have another. */
export function emitAdd(
  context: Context,
  op: Extract<Prepared, { kind: 'add' }>,
  given: readonly [Typed, Typed],
  wanted: Target,
): Typed {
  const aligned = given.map((x, i) =>
    x.scale.every((scale, c) => scale === at(wanted.scale, c))
      ? x
      : requantise(context, x, { ...widest(x, wanted), final: false }, `${op.output}/in${i}`),
  );
  const [a = given[0], b = given[1]] = aligned;
  const name = context.builder.node('Add', [a.name, b.name], `${op.output}/sum`);
  const sum = {
    low: a.low.map((low, i) => low + (b.low[i] ?? 0)),
    high: a.high.map((high, i) => high + (b.high[i] ?? 0)),
    fraction: Math.max(a.fraction, b.fraction),
  };
  demandBound(op.name, 'a sum', sum);
  const added: Typed = { ...a, ...sum, name, zero: a.zero.map((zero, i) => zero + (b.zero[i] ?? 0)) };
  return clipped(context, op, added, wanted);
}

/** As wide as its own range is on the new grid. */
function widest(x: Typed, wanted: Target): Target {
  const reach = (pick: (...all: number[]) => number, bound: Float64Array): number =>
    pick(...bound.map((value, i) => ((x.scale[i] ?? 1) * (value + (x.zero[i] ?? 0))) / at(wanted.scale, i)));
  return { ...wanted, low: Math.floor(reach(Math.min, x.low)), high: Math.ceil(reach(Math.max, x.high)) };
}

/** Applies the Clip that followed an operation which does not requantise. */
export function clipped(context: Context, op: Prepared, x: Typed, wanted: Target): Typed {
  if (op.clamp[0] === -Infinity && op.clamp[1] === Infinity) return x;
  const centred = withZero(context, x);
  const scale = uniform(centred.scale);
  const bounds = scale === null ? null : clampOf(op, scale, wanted);
  if (bounds === null) return requantise(context, centred, wanted, op.output);
  const limit = (value: number): number => Math.min(bounds.high, Math.max(bounds.low, value));
  const { builder } = context;
  return {
    ...centred,
    name: builder.node(
      'Clip',
      [centred.name, builder.scalar(bounds.low), builder.scalar(bounds.high)],
      op.output,
    ),
    low: centred.low.map(limit),
    high: centred.high.map(limit),
  };
}

/**
 * scale · x + shift: another meaning of the same units where nobody needs a certain scale, else a requantisation. Units that count
 * backwards are for weights alone.
 */
export function emitAffine(
  context: Context,
  op: Extract<Prepared, { kind: 'affine' }>,
  x: Typed,
  wanted: Target,
): Typed {
  const of = (data: Float64Array, channel: number): number => data[data.length === 1 ? 0 : channel] ?? 0;
  const clamped = op.clamp[0] !== -Infinity || op.clamp[1] !== Infinity;
  if (
    wanted.alone &&
    !wanted.final &&
    !clamped &&
    op.scale.every((scale) => scale > 0 || (wanted.absorbed && scale !== 0))
  )
    return {
      ...x,
      scale: x.scale.map((scale, c) => scale * of(op.scale, c)),
      zero: x.zero.map((zero, c) => zero + of(op.shift, c) / (of(op.scale, c) * (x.scale[c] ?? 1))),
    };
  return requantise(context, x, wanted, op.output, {
    scale: (c) => of(op.scale, c),
    shift: (c) => of(op.shift, c),
  });
}
