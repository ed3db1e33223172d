import * as ort from 'onnxruntime-node';
import { openFloatModel } from '../calibrate/float-model.ts';
import type { Graph, ValueId } from '../graph.ts';
import { runFloat } from '../reference/float.ts';

export type Difference = {
  value: ValueId;
  /** Largest absolute difference, and the largest value of the original. */
  difference: number;
  largest: number;
};

/**
 * How far each value of an imported graph is from the value of the same name in the original file, run by onnxruntime on the
 * same image.
 */
export async function differences(
  file: Uint8Array,
  graph: Graph,
  image: Float64Array,
): Promise<Difference[]> {
  const values = graph.ops.map(({ output }) => output);
  const session = await openFloatModel(file, values);
  const shape = graph.shapes.get(graph.input) ?? [];
  const feeds = { [graph.input]: new ort.Tensor('float32', Float32Array.from(image), shape) };
  const original = await session.run(feeds, values);
  await session.release();
  const ours = runFloat(graph, Float64Array.from(image, Math.fround), values);
  return values.map((value) => {
    const [theirs, mine] = [original[value]?.data, ours.get(value)];
    if (!(theirs instanceof Float32Array) || theirs.length !== mine?.length)
      return { value, difference: Infinity, largest: NaN };
    const difference = mine.reduce(
      (worst, number, index) => Math.max(worst, Math.abs(number - (theirs[index] ?? NaN))),
      0,
    );
    return {
      value,
      difference,
      largest: theirs.reduce((most, number) => Math.max(most, Math.abs(number)), 0),
    };
  });
}
