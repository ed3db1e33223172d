import type { Metrics } from '../metrics/metrics.ts';

/** What the judge tells of its work, for metrics. Nothing is decided on it. */
export type Observer = Pick<Metrics, 'judged' | 'audited' | 'punished' | 'strike'>;

export const noObserver: Observer = {
  judged: () => undefined,
  audited: () => undefined,
  punished: () => undefined,
  strike: () => undefined,
};
