import { readFile } from 'node:fs/promises';
import { compiledModel } from '../../exact/evaluate/compiled.ts';
import { sampleOf, type Task } from '../../exact/evaluate/task.ts';
import type { ModelFile } from './backend.ts';
import type { Bases } from './variants.ts';

/** A model in both forms, and images for it. */
export type Subject = { name: string; exact: ModelFile; float: ModelFile; bases: Bases };

/** `count` images of the development set are the bases. */
export async function subjectOf(task: Task<unknown>, count: number): Promise<Subject> {
  const [bucket] = task.buckets;
  if (bucket === undefined) throw new RangeError(`${task.name}: it has no size`);
  const [planes, height, width] = bucket;
  const { name, offset, scale } = task;
  return {
    name,
    exact: { name: `${name} exact`, file: await compiledModel(task, bucket), feed: null },
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
