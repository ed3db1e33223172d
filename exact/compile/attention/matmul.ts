import { EXACT_BOUND } from '../../format.ts';
import type { Context } from '../context.ts';
import type { Target } from '../plan.ts';
import type { Prepared } from '../prepare.ts';
import { clipAndFloor, demandBound, requantise } from '../requantise.ts';
import { at, channelsOf, filled, type Typed } from '../typed.ts';
import { asWhole, coarser, type Whole } from './whole.ts';

const HALF = 0.5;
/** Bits that a product keeps where it has to go on to a scale that no power of two reaches. */
const KEPT_BITS = 15;

const magnitude = ({ least, most }: Pick<Whole, 'least' | 'most'>): number => Math.max(-least, most);

/** P and N of the certificate: sums of `terms` products of the two ranges, and of any subset of them. */
function bounds(a: Whole, b: Whole, terms: number): { low: number; high: number } {
  const corners = [a.least * b.least, a.least * b.most, a.most * b.least, a.most * b.most];
  return { low: terms * Math.min(0, ...corners), high: terms * Math.max(0, ...corners) };
}

/**
 * The product of two activations over their last two axes: MatMul, Mul, Add, Clip, Floor. Where the sum would pass the bound, the
 * operand that holds more is rounded to half as many steps, until it fits. Where the scale of the result is free, it is what a
 * power of two makes of the operands'.
 */
export function emitMatMul(
  context: Context,
  op: Extract<Prepared, { kind: 'matmul' }>,
  left: Typed,
  right: Typed,
  wanted: Target,
  shape: readonly number[],
): Typed {
  const terms = left.shape.at(-1) ?? 1;
  const [wholeA, wholeB] = [
    asWhole(context, left, `${op.output}/left`),
    asWhole(context, right, `${op.output}/right`),
  ];
  const shifts = [0, 0];
  const reach = (x: Whole, shift: number): number => Math.floor(magnitude(x) * 2 ** -shift + HALF);
  // The half of the result's rounding may be as much as a whole step of the result: less than 2^KEPT_BITS.
  const room = EXACT_BOUND - 2 ** KEPT_BITS;
  while (terms * reach(wholeA, shifts[0] ?? 0) * reach(wholeB, shifts[1] ?? 0) >= room) {
    const wider = reach(wholeA, shifts[0] ?? 0) > reach(wholeB, shifts[1] ?? 0) ? 0 : 1;
    shifts[wider] = (shifts[wider] ?? 0) + 1;
  }
  const a = coarser(context, wholeA, shifts[0] ?? 0, `${op.output}/left/coarse`);
  const b = coarser(context, wholeB, shifts[1] ?? 0, `${op.output}/right/coarse`);
  const { low, high } = bounds(a, b, terms);
  const { builder } = context;
  const name = builder.node('MatMul', [a.name, b.name], `${op.output}/product`);
  const unit = a.unit * b.unit;
  const worst = Math.max(-low, high);
  context.notes.push({
    node: op.name,
    kind: op.kind,
    macs: shape.reduce((all, size) => all * size, 1) * terms,
    grids: [],
    weightBits: Math.log2(Math.min(magnitude(a), magnitude(b)) + 1),
    slackBits: Math.log2(EXACT_BOUND / worst),
  });

  const ratio = at(wanted.scale, 0) / unit;
  const least = wanted.free ? ratio : worst / 2 ** KEPT_BITS;
  let shift = 0;
  while (2 ** (shift + 1) <= least && shift < KEPT_BITS) shift++;
  const step = 2 ** -shift;
  const scaled =
    shift === 0 ? name : builder.node('Mul', [name, builder.scalar(step)], `${op.output}/scaled`);
  const halved =
    shift === 0 ? name : builder.node('Add', [scaled, builder.scalar(HALF)], `${op.output}/half`);
  const half = shift === 0 ? 0 : HALF;
  const channels = channelsOf(shape);
  const sum = {
    name: halved,
    shape,
    low: filled(channels, low * step + half),
    high: filled(channels, high * step + half),
  };
  demandBound(op.name, 'a sum of products', { ...sum, fraction: Math.max(1, shift) });
  const scale = unit / step;
  const target =
    !wanted.free || wanted.final
      ? null
      : {
          low: Math.floor((wanted.low * at(wanted.scale, 0)) / scale),
          high: Math.ceil((wanted.high * at(wanted.scale, 0)) / scale),
        };
  const typed: Typed = {
    ...clipAndFloor(context, sum, target, wanted.free ? op.output : `${op.output}/kept`),
    shape,
    scale: filled(channels, scale),
    zero: filled(channels, 0),
    fraction: 0,
  };
  return wanted.free ? typed : requantise(context, typed, wanted, op.output);
}
