/**
 * A tensor of the compiled model: it holds multiples q of 2^-fraction in [low, high] and stands for the real values
 * scale · (q + zero). Everything but the fraction is by channel: axis 1 of images, the last axis of anything else.
 */
export type Typed = {
  name: string;
  /** With a batch of 1. */
  shape: readonly number[];
  scale: Float64Array;
  zero: Float64Array;
  low: Float64Array;
  high: Float64Array;
  fraction: number;
};

export const channelAxis = (shape: readonly number[]): number => (shape.length === 4 ? 1 : shape.length - 1);

export const channelsOf = (shape: readonly number[]): number => shape[channelAxis(shape)] ?? 1;

/** Elements of one channel, of one image. */
export const perChannel = (shape: readonly number[]): number =>
  shape.reduce((all, size) => all * size, 1) / channelsOf(shape);

/** `data[i]`, where an array of one element stands for all channels. */
export const at = (data: Float64Array, index: number): number => data[data.length === 1 ? 0 : index] ?? 0;

export const filled = (length: number, value: number): Float64Array => new Float64Array(length).fill(value);

/** The one value of all channels, or null where they differ. */
export function uniform(data: Float64Array): number | null {
  const first = data[0] ?? 0;
  return data.every((value) => value === first) ? first : null;
}

/** Every element by its channel's index. */
export const mapChannels = (length: number, value: (channel: number) => number): Float64Array =>
  Float64Array.from({ length }, (_, channel) => value(channel));

/** The largest magnitude that a tensor may hold, on its grid. */
export function magnitude({ low, high, fraction }: Pick<Typed, 'low' | 'high' | 'fraction'>): number {
  let most = 0;
  for (let i = 0; i < low.length; i++) most = Math.max(most, -(low[i] ?? 0), high[i] ?? 0);
  return most * 2 ** fraction;
}
