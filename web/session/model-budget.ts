import type { Model } from '../../protocol/manifest.ts';

/**
 * Bytes of models a tab fetches for one manifest: minutes on a home connection, and a part of the memory that browsers
 * give a tab (each model is in memory as long as it is ready). What a subnet lists beyond is left to other tabs.
 */
export const MAX_MODEL_BYTES = 512 * 1024 * 1024;

/** The models to fetch, the smallest first, so that most of them fit and the first is soon there; and the rest. */
export function withinBudget(
  models: readonly Model[],
  maxBytes: number = MAX_MODEL_BYTES,
): { taken: Model[]; left: Model[] } {
  const taken: Model[] = [];
  const left: Model[] = [];
  let bytes = 0;
  for (const model of models.toSorted((a, b) => a.bytes - b.bytes)) {
    bytes += model.bytes;
    (bytes <= maxBytes ? taken : left).push(model);
  }
  return { taken, left };
}
