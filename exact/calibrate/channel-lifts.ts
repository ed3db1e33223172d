import { clipRange, rounded, type Range } from './clip-range.ts';
import type { Histogram } from './histogram.ts';

/** A digit each in the recipe. */
const MOST = 9;
/** Bits that the clip of one channel is chosen for: coarse counts decide no more than its power of two. */
const BITS = 8;

/**
 * Range of a value and, for each channel, how many times it can be halved and still hold that channel's own clip: channels of a
 * trained network differ by orders of magnitude.
 */
export function channelRanges(channels: readonly Histogram[], bits: number): Range & { channels: string } {
  const own = channels.map((histogram) => clipRange(histogram.bins(), Math.max(BITS, bits)));
  const whole = rounded({
    low: own.reduce((least, { low }) => Math.min(least, low), 0),
    high: own.reduce((most, { high }) => Math.max(most, high), 0),
  });
  const digits = own.map(({ low, high }) => {
    let digit = 0;
    // Rounding of the whole range may cut its own widest channel by half a percent.
    const holds = (scale: number): boolean => whole.low * scale <= low && whole.high * scale >= high;
    while (digit < MOST && holds(2 ** -(digit + 1))) digit++;
    return digit;
  });
  return { ...whole, channels: digits.join('') };
}
