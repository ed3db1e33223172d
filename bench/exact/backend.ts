import type { Digests, Feed, Job, Level } from './job.ts';
import type { Bases } from './variants.ts';

/** How a session is opened. */
export type Settings = { level: Level; threads: number };

export type ModelFile = { name: string; file: Uint8Array; feed: Feed };

/** A model on a backend; whoever opened it closes it. */
export interface OpenModel {
  digest(job: Job): Promise<Digests>;
  close(): Promise<void>;
}

/** Something that runs models. Whoever opened it closes it. */
export interface ExactBackend {
  readonly name: string;
  /** Package or browser, with its version. */
  readonly runtime: string;
  /** The most threads that a session may have here. */
  readonly threads: number;
  open(model: ModelFile, bases: Bases, settings: Settings): Promise<OpenModel>;
  /** Milliseconds a run of each model, in turns. */
  time(models: readonly ModelFile[], bases: Bases, runs: number): Promise<number[][]>;
  close(): Promise<void>;
}
