import { openRunner } from './run.ts';
import { rate, sampleOf, sum, type Hits, type SetName, type Task } from './task.ts';

type Quality = Hits & { rate: number };

/** How well an exact model does beside the one it was compiled from, on the same inputs. */
export type Evaluation = {
  model: string;
  set: SetName;
  images: number;
  bucket: readonly number[];
  /** Harmonic mean of precision and recall; the share of right answers where there is one an image. */
  float: Quality;
  exact: Quality;
  /** Points (hundredths) of `rate` that are lost; negative where the exact model does better. */
  lostPoints: number;
  /** The exact model's answers measured against the float model's. */
  agreement: Quality;
  /** Images on which both give the same answer throughout. */
  identical: number;
  /** Of the images with different answers: where the one or the other hits more. */
  floatBetter: number;
  exactBetter: number;
  /** How sure the float model was, in logits, where one number tells it: quantiles over all images and over disagreements. */
  margins: { all: Quantiles; disagreeing: Quantiles } | null;
};

type Quantiles = { p0: number; p50: number; p90: number; p100: number };

const quality = (all: readonly Hits[]): Quality => {
  const total = sum(all);
  return { ...total, rate: rate(total) };
};

function quantiles(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? NaN;
  return { p0: at(0), p50: at(0.5), p90: at(0.9), p100: at(1) };
}

/** Runs images 0 to `count` of a set through the trained model and the compiled file, by path or bytes. */
export async function evaluate(
  task: Task<unknown>,
  exactFile: string | Uint8Array,
  options: {
    set: SetName;
    count: number;
    bucket: readonly [number, number, number];
    progress?: (done: number) => void;
  },
): Promise<Evaluation> {
  const { set, count, bucket, progress } = options;
  const float = await openRunner(task, task.trained);
  const exact = await openRunner(task, exactFile);
  const [floats, exacts, agreements]: Hits[][] = [[], [], []];
  const margins: number[] = [];
  const disagreeing: number[] = [];
  const tally = { identical: 0, floatBetter: 0, exactBetter: 0 };
  try {
    for (let i = 0; i < count; i++) {
      const { pixels, truth } = sampleOf(task, set, i, bucket);
      const output = await float.run(pixels);
      const [a, b] = [task.answer(output), task.answer(await exact.run(pixels))];
      const [hitsA, hitsB, same] = [task.count(a, truth), task.count(b, truth), task.count(b, a)];
      floats?.push(hitsA);
      exacts?.push(hitsB);
      agreements?.push(same);
      const margin = task.margin(output);
      if (margin !== null) margins.push(margin);
      if (same.hit === same.given && same.hit === same.due) tally.identical++;
      else {
        if (margin !== null) disagreeing.push(margin);
        if (rate(hitsA) > rate(hitsB)) tally.floatBetter++;
        if (rate(hitsB) > rate(hitsA)) tally.exactBetter++;
      }
      progress?.(i + 1);
    }
  } finally {
    await float.close();
    await exact.close();
  }
  const [floatQuality, exactQuality] = [quality(floats ?? []), quality(exacts ?? [])];
  return {
    model: task.name,
    set,
    images: count,
    bucket,
    float: floatQuality,
    exact: exactQuality,
    lostPoints: 100 * (floatQuality.rate - exactQuality.rate),
    agreement: quality(agreements ?? []),
    ...tally,
    margins: margins.length === 0 ? null : { all: quantiles(margins), disagreeing: quantiles(disagreeing) },
  };
}
