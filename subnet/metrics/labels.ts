/** Models of a catalogue (protocol/limits.ts has the same bound) fit; kinds are few. */
const MAX_VALUES = 256;

/**
 * Keeps a label bounded: the first MAX_VALUES different values stand for themselves, any later one is `other`. A time series
 * is never forgotten, so that an unbounded label would be a leak in the node and in Prometheus.
 */
export function boundedLabel(max: number = MAX_VALUES): (value: string | undefined) => string {
  const known = new Set<string>();
  return (value) => {
    if (value === undefined) return '';
    if (known.has(value)) return value;
    if (known.size >= max) return 'other';
    known.add(value);
    return value;
  };
}
