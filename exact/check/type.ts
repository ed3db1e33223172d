import { FRACTION_LIMIT } from '../format.ts';
import { uncertified } from './problem.ts';
import { count, type Tensor } from './tensor.ts';

/**
 * The dyadic type of a tensor: by channel, every value is a whole multiple of 2^-fraction within [low, high]. Bounds are real
 * numbers (not grid units); all are multiples of the grid and below 2^24 of its steps, so that float64 holds them and computes
 * with them exactly.
 */
export type TensorType = {
  /** int32 only where a table is indexed, or right before an output. */
  dtype: 'f32' | 'i32';
  /** Of one image: axis 0 is the batch, given as 1. */
  shape: readonly number[];
  /** Which axis the arrays below are along; null: they have one element, that stands for the whole tensor. */
  axis: number | null;
  low: Float64Array;
  high: Float64Array;
  fraction: Float64Array;
  /**
   * What a runtime may reach inside when it merges the operation that made this tensor with what comes next: every sum over a
   * subset of the terms lies within [negative, positive], and 0 does. For what is no sum: [min(0, low), max(0, high)].
   */
  positive: Float64Array;
  negative: Float64Array;
};

/** The part of a type that belongs to one channel, or to several together. */
export type Range = { low: number; high: number; fraction: number; positive: number; negative: number };

/** The grid of zero: any. */
export const COARSEST = -FRACTION_LIMIT;

const words = new DataView(new ArrayBuffer(8));

/** The smallest fraction f such that `value` is a whole multiple of 2^-f; COARSEST for 0. `value` is finite. */
export function gridOf(value: number): number {
  if (value === 0) return COARSEST;
  words.setFloat64(0, value);
  const high = words.getUint32(0);
  const low = words.getUint32(4);
  const exponent = (high >>> 20) & 0x7ff;
  // The significand's last set bit; the implicit one stands left of bit 51.
  const trailing = low === 0 ? 32 + zeros((high & 0xfffff) | 0x100000) : zeros(low);
  return Math.max(COARSEST, 1075 - Math.max(exponent, 1) - trailing);
}

const zeros = (word: number): number => 31 - Math.clz32(word & -word);

/** A range that no runtime merges with its neighbours: what comes out of Clip, Floor and the like, and what is stored. */
export const plain = (low: number, high: number, fraction: number): Range => ({
  low,
  high,
  fraction,
  positive: Math.max(0, high),
  negative: Math.min(0, low),
});

/** The range that holds both. */
export const union = (a: Range, b: Range): Range => ({
  low: Math.min(a.low, b.low),
  high: Math.max(a.high, b.high),
  fraction: Math.max(a.fraction, b.fraction),
  positive: Math.max(a.positive, b.positive),
  negative: Math.min(a.negative, b.negative),
});

export function rangeAt(type: TensorType, channel: number): Range {
  const at = type.axis === null ? 0 : channel;
  return {
    low: type.low[at] ?? Number.NaN,
    high: type.high[at] ?? Number.NaN,
    fraction: type.fraction[at] ?? Number.NaN,
    positive: type.positive[at] ?? Number.NaN,
    negative: type.negative[at] ?? Number.NaN,
  };
}

export function rangesOf(type: TensorType): Range[] {
  return Array.from(type.low, (_, channel) => rangeAt(type, channel));
}

/** One range that holds every channel's. */
export const whole = (type: TensorType): Range => rangesOf(type).reduce(union);

/** By channel along `axis`: the type's own ranges where that is its axis, otherwise the one that holds all. */
export const along = (type: TensorType, axis: number): ((channel: number) => Range) => {
  if (type.axis === axis) return (channel) => rangeAt(type, channel);
  const range = whole(type);
  return () => range;
};

/** A type from the ranges along `axis` (null: one range). */
export function typeOf(
  shape: readonly number[],
  axis: number | null,
  ranges: readonly Range[],
  dtype: TensorType['dtype'] = 'f32',
): TensorType {
  const channels = axis === null ? 1 : (shape[axis] ?? 1);
  if (ranges.length !== channels) throw new RangeError(`${ranges.length} ranges for ${channels} channels`);
  return {
    dtype,
    shape,
    axis,
    low: Float64Array.from(ranges, ({ low }) => low),
    high: Float64Array.from(ranges, ({ high }) => high),
    fraction: Float64Array.from(ranges, ({ fraction }) => fraction),
    positive: Float64Array.from(ranges, ({ positive }) => positive),
    negative: Float64Array.from(ranges, ({ negative }) => negative),
  };
}

/** The type of a constant that meets an activation of `rank` axes: by channel along `axis` of the latter, where it varies there. */
export function constantType(tensor: Tensor, rank: number, axis: number | null, what: string): TensorType {
  if (tensor.shape.length > rank) throw uncertified(`${what}: a constant of more axes than the activation`);
  const shape = [...Array.from({ length: rank - tensor.shape.length }, () => 1), ...tensor.shape];
  if (shape[0] !== 1) throw uncertified(`${what}: a constant with a batch`);
  const channels = axis === null ? 1 : (shape[axis] ?? 1);
  if (channels === 1) return typeOf(shape, null, [rangeOf(tensor.data)]);
  const inner = count(shape.slice((axis ?? 0) + 1));
  const parts: number[][] = Array.from({ length: channels }, () => []);
  for (let i = 0; i < tensor.data.length; i++)
    parts[Math.floor(i / inner) % channels]?.push(tensor.data[i] ?? 0);
  return typeOf(shape, axis, parts.map(rangeOf));
}

/** The range of given numbers, of which there is at least one. */
export function rangeOf(values: Iterable<number>): Range {
  let low = Infinity;
  let high = -Infinity;
  let fraction = COARSEST;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
    fraction = Math.max(fraction, gridOf(value));
  }
  return plain(low, high, fraction);
}
