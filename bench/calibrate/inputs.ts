import { sha256Hex } from '../../protocol/bytes.ts';
import { encodeCbor } from '../../protocol/cbor.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import { Random } from '../../subnet/models/random.ts';
import { sourceOf } from '../../subnet/models/sources.ts';

/** Domain of the seeds; in the recipe of every recorded run. */
export const DOMAIN = 'gridtab/calibration/1';

/** Standing input number `index` of a model: always the same. Throws RangeError on a model without a source. */
export function calibrationInput(model: string, index: number): Tensor[] {
  const source = sourceOf(model);
  if (source === null) throw new RangeError(`model ${model}: it has no standing inputs`);
  return source.sample(Random.from({ domain: DOMAIN, model, index }));
}

/** Hex SHA-256 of inputs, by which a recording tells whether this machine makes the same ones. */
export const inputHash = (inputs: readonly Tensor[]): string => sha256Hex(encodeCbor(inputs));
