import { Random } from '../../subnet/models/random.ts';
import { normalise, type Normalisation } from './normalise.ts';
import type { Pixels } from './pixels.ts';

/** The seeds: compiled models are calibrated on the first, worked on with the second, and the third is looked at once. */
export const SETS = ['calibration', 'development', 'held-out'] as const;
export type SetName = (typeof SETS)[number];

/** What a model made of an input: real values in row-major order, and whether they stand before or after its last step. */
export type ModelOutput = {
  values: Float32Array;
  dims: readonly number[];
  dropped: 'softmax' | 'sigmoid' | null;
};

/** Answers that hit, out of those given and those due: 1, 1 and 1 for a right label; numbers of boxes for a page. */
export type Hits = { hit: number; given: number; due: number };

/** A trained model with labelled inputs that are functions of a seed, and a way to tell how well it does. */
export interface Task<Answer> extends Normalisation {
  readonly name: string;
  /** Path of the trained model, a file of a package or of this folder. */
  readonly trained: string;
  /** Of images [channels, height, width]; the first is the one that is evaluated unless another is asked for. */
  readonly buckets: readonly (readonly [channels: number, height: number, width: number])[];
  /** `set` tells where recorded data come from; what is drawn depends on `random` alone. */
  sample(
    random: Random,
    bucket: readonly [number, number, number],
    set: SetName,
  ): { pixels: Pixels; truth: Answer };
  answer(output: ModelOutput): Answer;
  count(given: Answer, due: Answer): Hits;
  /** How sure the trained model is of its answer, in logits; null where one number does not tell. */
  margin(output: ModelOutput): number | null;
}

/** Labelled input `index` of a set: always the same. */
export function sampleOf<Answer>(
  task: Task<Answer>,
  set: SetName,
  index: number,
  bucket = task.buckets[0],
): { pixels: Pixels; truth: Answer } {
  if (bucket === undefined) throw new RangeError(`${task.name}: it has no bucket`);
  const random = Random.from({ domain: 'gridtab/evaluation/1', model: task.name, set, index });
  return task.sample(random, bucket, set);
}

/** What the trained model takes for the same pixels. */
export const normalised = (by: Normalisation, { planes, height, width }: Pixels): Float32Array =>
  normalise(planes, height * width, by);

/** The harmonic mean of precision and recall; where one answer is due and one is given, the share of right ones. */
export const rate = ({ hit, given, due }: Hits): number =>
  given + due === 0 ? 1 : (2 * hit) / (given + due);

export const sum = (all: readonly Hits[]): Hits =>
  all.reduce((a, b) => ({ hit: a.hit + b.hit, given: a.given + b.given, due: a.due + b.due }), {
    hit: 0,
    given: 0,
    due: 0,
  });

/** Of one answer where one is due. */
export const oneAnswer = (right: boolean): Hits => ({ hit: Number(right), given: 1, due: 1 });
