import { clipRange, rounded, type Range } from './clip-range.ts';
import { merged, type Histogram } from './histogram.ts';

/** A digit each in the recipe. */
const MOST = 9;
/** With fewer bits to be had on average, a Min is not worth its time. */
const WORTH = 0.5;
/** Bits that the clip of one channel is chosen for: what is rare in it may still be what decides. */
const BITS = 11;

/** The range of a value and, where `capable` and worth it, what of it each channel uses. */
export function cappedRange(
  channels: readonly Histogram[],
  bits: number,
  capable: boolean,
): Range & { caps?: string } {
  const whole = rounded(clipRange(merged(channels), bits));
  if (!capable || !(whole.high > 0)) return whole;
  const own = channels.map((histogram) => clipRange(histogram.bins(), Math.max(BITS, bits)).high);
  const wide = rounded({
    low: whole.low,
    high: own.reduce((most, high) => Math.max(most, high), whole.high),
  });
  const digits = own.map((high) => {
    let digit = 0;
    while (digit < MOST && wide.high * 2 ** (-(digit + 1) / 2) >= high) digit++;
    return digit;
  });
  const left = digits.reduce((sum, digit) => sum + 2 ** (-digit / 2), 0) / digits.length;
  return left <= 2 ** -WORTH ? { ...wide, caps: digits.join('') } : whole;
}
