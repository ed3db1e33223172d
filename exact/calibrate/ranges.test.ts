import { describe, expect, it } from 'vitest';
import { Random } from '../../subnet/models/random.ts';
import { cappedRange } from './channel-caps.ts';
import { channelRanges } from './channel-lifts.ts';
import { clipRange } from './clip-range.ts';
import { Histogram, merged } from './histogram.ts';

const normals = (count: number, deviation: number): Float32Array => {
  const random = Random.from(['normals', deviation]);
  return Float32Array.from({ length: count }, () => random.normal() * deviation);
};
const histogramOf = (values: Float32Array): Histogram => {
  const histogram = new Histogram();
  histogram.add(values);
  return histogram;
};

describe('histogram', () => {
  it('counts by sign and size within a sixteenth, and leaves zeros out', () => {
    const bins = histogramOf(Float32Array.of(0, -0, 3, 3.01, -0.001, 5e6)).bins();
    const near = (wanted: number): number =>
      bins
        .filter(({ value }) => Math.abs(value - wanted) < Math.abs(wanted) / 16)
        .reduce((sum, { count }) => sum + count, 0);
    expect([near(3), near(-0.001)]).toEqual([2, 1]);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(4);
  });

  it('knows the mean square of all values', () => {
    const histogram = histogramOf(Float32Array.of(0, 2, -4, 0));
    expect(histogram.squares / histogram.count).toBe(5);
  });

  it('adds a part of an array, and merges', () => {
    const one = new Histogram();
    one.add(Float32Array.of(1, 1, 8), 1, 2);
    expect(merged([one, one]).map(({ count }) => count)).toEqual([2]);
  });
});

describe('ranges', () => {
  it('cut off the further the fewer bits there are', () => {
    const bins = histogramOf(normals(20_000, 1)).bins();
    const widths = [3, 5, 9].map((bits) => {
      const { low, high } = clipRange(bins, bits);
      return high - low;
    });
    expect(widths[0]).toBeLessThan(widths[1] ?? 0);
    expect(widths[1]).toBeLessThan(widths[2] ?? 0);
    expect(clipRange([], 8)).toEqual({ low: 0, high: 0 });
    expect(clipRange([{ value: 2, count: 1 }], 8)).toEqual({ low: 0, high: 2 });
  });

  it('halve for a quiet channel as often as it still fits', () => {
    const channels = [1, 1 / 6, 1 / 48, 0].map((deviation) => histogramOf(normals(5000, deviation)));
    expect(channelRanges(channels, 9)).toMatchObject({ channels: expect.stringMatching(/^0259$/) as string });
  });

  it('cap quiet channels, where they may be capped and enough of them are quiet', () => {
    const channels = [1, 1 / 6, 1 / 48, 0].map((deviation) => histogramOf(normals(5000, deviation)));
    const { caps = '', high } = cappedRange(channels, 9, true);
    expect(caps).toMatch(/^0[45]9+$/);
    // Half-powers of two below the highest, which is near four deviations.
    expect(high).toBeGreaterThan(3);
    expect(cappedRange(channels, 9, false)).not.toHaveProperty('caps');
    expect(cappedRange([channels[0] ?? new Histogram()], 9, true)).not.toHaveProperty('caps');
  });
});
