import { median } from '../redteam/statistics/intervals.ts';
import type { ExactBackend } from './backend.ts';
import type { Subject } from './model.ts';

export type Latency = { backend: string; runs: number; floatMs: number; exactMs: number; ratio: number };

/** Medians of single images, one thread, both models in turns; the ratio is the median over pairs that ran side by side. */
export async function latencyOf(
  backend: ExactBackend,
  subject: Subject,
  runs: number,
): Promise<Latency | null> {
  const [floats = [], exacts = []] = await backend.time([subject.float, subject.exact], subject.bases, runs);
  if (floats.length === 0) return null;
  return {
    backend: backend.name,
    runs,
    floatMs: median(floats),
    exactMs: median(exacts),
    ratio: median(exacts.map((ms, i) => ms / (floats[i] ?? NaN))),
  };
}
