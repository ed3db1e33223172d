import { readFile } from 'node:fs/promises';
import { EXACT_BOUND } from '../../exact/format.ts';
import { compiledModel } from '../../exact/evaluate/compiled.ts';
import { sampleOf, type Task } from '../../exact/evaluate/task.ts';
import type { ModelFile } from './backend.ts';
import type { Bases } from './variants.ts';

/** A model in both forms, and images for it. */
export type Subject = {
  name: string;
  exact: ModelFile;
  float: ModelFile;
  /** A control: compiled alike, but with sums that may come up to 256 times what the certificate allows. */
  beyond: ModelFile;
  /** The exact model with its weights stored as f16 where that loses nothing. */
  f16: ModelFile;
  bases: Bases;
};

const BEYOND = { sumBound: 2 ** 8 * EXACT_BOUND };

/** `count` images of the development set are the bases. */
export async function subjectOf(task: Task<unknown>, count: number): Promise<Subject> {
  const [bucket] = task.buckets;
  if (bucket === undefined) throw new RangeError(`${task.name}: it has no size`);
  const [planes, height, width] = bucket;
  const { name, offset, scale } = task;
  return {
    name,
    exact: { name: `${name} exact`, file: await compiledModel(task, bucket), feed: null },
    beyond: { name: `${name} beyond the bound`, file: await compiledModel(task, bucket, BEYOND), feed: null },
    f16: {
      name: `${name} exact, f16 weights`,
      file: await compiledModel(task, bucket, { f16Weights: true }),
      feed: null,
    },
    float: { name: `${name} float`, file: await readFile(task.trained), feed: { offset, scale } },
    bases: {
      images: Array.from({ length: count }, (_, i) =>
        Uint8Array.from(sampleOf(task, 'development', i).pixels.planes),
      ),
      planes,
      height,
      width,
    },
  };
}
