import type { Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { Random } from './random.ts';

/** What a model's outputs say, for people and for JSON. */
type Description = { label: string; probability: number };

/**
 * What the node knows about a model beyond its catalogue entry: where real inputs come from and what the outputs mean. A
 * model without one is served and verified all the same, but gets no standing work and no files.
 */
export interface SampleSource {
  /** The inputs of one unit of standing work, in the order of the signature. A function of `random` alone; under 5 ms. */
  sample(random: Random): Tensor[];
  /** The inputs of each unit that a file makes, in order. The file is untrusted. */
  fromFile(file: Uint8Array, fileName: string): Promise<Outcome<Tensor[][], 'UNREADABLE'>>;
  /** Throws RangeError when `outputs` are not of the model's signature; check them first. */
  describe(outputs: readonly Tensor[]): Description;
}
