import type { Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { Random } from './random.ts';

/** A rectangle, however turned, in pixels of the model's input: its corners in order. */
type Box = { corners: readonly (readonly [number, number])[]; probability: number };

/** What a model's outputs say, for people and for JSON. */
type Description = { label: string; probability: number; boxes?: Box[] };

/**
 * What the node knows about a model beyond its catalogue entry: where real inputs come from and what the outputs mean. A
 * model without one is served and verified all the same, but gets no standing work and no files.
 */
export interface SampleSource {
  /** The inputs of one unit of standing work, in the order of the signature. A function of `random` alone; under 5 ms. */
  sample(random: Random): Tensor[];
  /** The inputs of each unit that a file makes, in order. The file is untrusted. */
  fromFile(file: Uint8Array, fileName: string): Promise<Outcome<Tensor[][], 'UNREADABLE'>>;
  /**
   * `scales`: by output of integers, the real value of 1, as the model's tolerance has them (protocol/manifest.ts); exact models
   * cannot be read without. Throws RangeError without them, and when `outputs` are not of the model's signature.
   */
  describe(outputs: readonly Tensor[], scales?: readonly number[]): Description;
}
