type Bins = readonly { value: number; count: number }[];
export type Range = { low: number; high: number };

/** Ends that are tried, as parts of the extreme: 1, 0.95, 0.9025, .. down to a tenth. */
const PARTS = Array.from({ length: 46 }, (_, i) => 0.95 ** i);

/** Sum of count · (value − end)² over all that lies beyond each end tried. */
function clippingErrors(magnitudes: Bins, most: number): number[] {
  return PARTS.map((part) => {
    const end = part * most;
    let error = 0;
    for (const { value, count } of magnitudes) if (value > end) error += count * (value - end) ** 2;
    return error;
  });
}

/**
 * The range [low, high] around 0 whose 2^bits levels hold the values with the least squared error: a wide one rounds coarsely,
 * a narrow one cuts off.
 */
export function clipRange(bins: Bins, bits: number): Range {
  const negative = bins
    .filter(({ value }) => value < 0)
    .map(({ value, count }) => ({ value: -value, count }));
  const positive = bins.filter(({ value }) => value > 0);
  const most = (side: Bins): number => side.reduce((all, { value }) => Math.max(all, value), 0);
  const [lowest, highest] = [most(negative), most(positive)];
  const [below, above] = [clippingErrors(negative, lowest), clippingErrors(positive, highest)];
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  let best: Range = { low: 0, high: 0 };
  let least = Infinity;
  for (const [i, under] of below.entries()) {
    for (const [j, over] of above.entries()) {
      const low = (PARTS[i] ?? 1) * lowest;
      const high = (PARTS[j] ?? 1) * highest;
      const step = (low + high) / (2 ** bits - 1);
      const error = under + over + (total * step ** 2) / 12;
      if (error < least) {
        least = error;
        best = { low: low === 0 ? 0 : -low, high };
      }
    }
  }
  return best;
}

/** Three significant digits: a recipe is read by people, and the clip is not that sharp. */
export const rounded = ({ low, high }: Range): Range => ({
  low: Number(low.toPrecision(3)),
  high: Number(high.toPrecision(3)),
});
