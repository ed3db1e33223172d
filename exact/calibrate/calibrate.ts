import ort from 'onnxruntime-node';
import { sha256Hex } from '../../protocol/bytes.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import { liftable } from '../compile/lifts.ts';
import { cappable, sumsChannels } from '../compile/caps.ts';
import { calibrated } from '../compile/plan.ts';
import { prepare } from '../compile/prepare.ts';
import { channelAxis, channelsOf } from '../compile/typed.ts';
import type { Pixels } from '../evaluate/pixels.ts';
import { normalised } from '../evaluate/task.ts';
import { inputsOf, type ExactProblem, type ValueId } from '../graph.ts';
import { importModel } from '../import/import.ts';
import type { Recipe } from '../recipe.ts';
import { allocateBits } from './allocate.ts';
import { channelRanges } from './channel-lifts.ts';
import { cappedRange } from './channel-caps.ts';
import { openFloatModel } from './float-model.ts';
import { Histogram } from './histogram.ts';

export type CalibrateOptions = Pick<Recipe, 'input' | 'buckets' | 'activationBits' | 'weightBits'> & {
  /** In the sizes of the buckets. */
  images: AsyncIterable<Pixels> | Iterable<Pixels>;
  /** Where the images are from, for people. */
  seed: string;
};

/** Runs the trained model over the images, watches every value that has no bounds of its own, and chooses where to clip each. */
export async function calibrate(
  source: Uint8Array,
  { input, buckets, activationBits, weightBits, images, seed }: CalibrateOptions,
): Promise<Outcome<Recipe, ExactProblem>> {
  const imported = importModel(source, buckets[0] ?? []);
  if (!imported.ok) return imported;
  const graph = prepare(imported.value);
  const watched = new Map(calibrated(graph).map((value) => [value, watch(graph.shapes.get(value) ?? [])]));
  const count = await observe(source, watched, input, imported.value.input, images);
  const lifted = liftable(graph);
  const capable = cappable(graph);
  const summed = new Set(graph.ops.flatMap((op) => (sumsChannels(op) ? inputsOf(op) : [])));
  const ranges = Object.fromEntries(
    [...watched].map(([value, { channels }]) => [
      value,
      {
        ...(lifted.has(value)
          ? channelRanges(channels, activationBits)
          : cappedRange(channels, activationBits, capable.has(value))),
        ...(summed.has(value) && { means: meansText(channels) }),
      },
    ]),
  );
  const powers = new Map(
    [...watched].map(([value, { channels }]) => [
      value,
      Float64Array.from(channels, ({ squares, count }) => squares / Math.max(1, count)),
    ]),
  );
  const recipe: Recipe = {
    format: 1,
    source: { sha256: sha256Hex(source) },
    input,
    buckets,
    activationBits,
    ...(weightBits !== undefined && { weightBits }),
    fullSwish: true,
    ranges,
    calibration: { images: count, seed, runtime: `onnxruntime-node ${ort.env.versions.node ?? ''} CPU` },
  };
  return allocateBits(imported.value, recipe, powers);
}

/** Two digits: a twentieth of a mean is far less than what rounding the weights would leave of it. */
const meansText = (channels: readonly Histogram[]): string =>
  channels.map(({ sum, count }) => String(Number((sum / Math.max(1, count)).toPrecision(2)))).join(' ');

/** Histograms by channel, and elements of a channel that lie together. */
type Watched = { channels: Histogram[]; inner: number };

const watch = (shape: readonly number[]): Watched => ({
  channels: Array.from({ length: channelsOf(shape) }, () => new Histogram()),
  inner: shape.slice(channelAxis(shape) + 1).reduce((all, size) => all * size, 1),
});

/** Runs the trained model and counts what every watched value holds; how many images there were. */
async function observe(
  source: Uint8Array,
  watched: ReadonlyMap<ValueId, Watched>,
  input: Recipe['input'],
  inputName: ValueId,
  images: CalibrateOptions['images'],
): Promise<number> {
  const session = await openFloatModel(source, [...watched.keys()]);
  let count = 0;
  try {
    for await (const image of images) {
      const data = normalised(input, image);
      const { height, width } = image;
      const tensor = new ort.Tensor('float32', data, [1, data.length / (height * width), height, width]);
      const results = await session.run({ [inputName]: tensor }, [...watched.keys()]);
      for (const [value, { channels, inner }] of watched) {
        const result = results[value]?.data;
        if (!(result instanceof Float32Array)) throw new TypeError(`${value}: the model gives no float32`);
        for (let from = 0, run = 0; from < result.length; from += inner, run++)
          channels[run % channels.length]?.add(result, from, from + inner);
      }
      count++;
    }
  } finally {
    await session.release();
  }
  return count;
}
