import ort from 'onnxruntime-node';
import { sha256Hex } from '../../protocol/bytes.ts';
import { ok, type Outcome } from '../../protocol/outcome.ts';
import { calibrated } from '../compile/plan.ts';
import { prepare } from '../compile/prepare.ts';
import type { Pixels } from '../evaluate/pixels.ts';
import { normalised } from '../evaluate/task.ts';
import type { ExactProblem, ValueId } from '../graph.ts';
import { importModel } from '../import/import.ts';
import type { Recipe } from '../recipe.ts';
import { clipRange, rounded } from './clip-range.ts';
import { openFloatModel } from './float-model.ts';
import { Histogram } from './histogram.ts';

export type CalibrateOptions = Pick<Recipe, 'input' | 'buckets' | 'activationBits'> & {
  /** In the sizes of the buckets. */
  images: AsyncIterable<Pixels> | Iterable<Pixels>;
  /** Where the images are from, for people. */
  seed: string;
};

/** Runs the trained model over the images, watches every value that has no bounds of its own, and chooses where to clip each. */
export async function calibrate(
  source: Uint8Array,
  { input, buckets, activationBits, images, seed }: CalibrateOptions,
): Promise<Outcome<Recipe, ExactProblem>> {
  const imported = importModel(source, buckets[0] ?? []);
  if (!imported.ok) return imported;
  const values = calibrated(prepare(imported.value));
  const histograms = new Map<ValueId, Histogram>(values.map((value) => [value, new Histogram()]));
  const session = await openFloatModel(source, values);
  let count = 0;
  try {
    for await (const image of images) {
      const data = normalised(input, image);
      const { height, width } = image;
      const tensor = new ort.Tensor('float32', data, [1, data.length / (height * width), height, width]);
      const results = await session.run({ [imported.value.input]: tensor }, [...values]);
      for (const [value, histogram] of histograms) {
        const result = results[value]?.data;
        if (!(result instanceof Float32Array)) throw new Error(`${value}: the model gives no float32`);
        histogram.add(result);
      }
      count++;
    }
  } finally {
    await session.release();
  }
  const ranges = Object.fromEntries(
    [...histograms].map(([value, histogram]) => [
      value,
      rounded(clipRange(histogram.bins(), activationBits)),
    ]),
  );
  return ok({
    format: 1,
    source: { sha256: sha256Hex(source) },
    input,
    buckets,
    activationBits,
    ranges,
    calibration: { images: count, seed, runtime: `onnxruntime-node ${ort.env.versions.node ?? ''} CPU` },
  });
}
