import type { Model } from '../../protocol/manifest.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import { elementsOf } from './tensors.ts';

/** ‖actual − expected‖ / max(‖expected‖, floor), Euclidean. Infinite when anything is not a number. */
export function relativeL2(
  actual: ArrayLike<number | bigint>,
  expected: ArrayLike<number | bigint>,
  floor: number,
): number {
  if (actual.length !== expected.length) return Infinity;
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    const want = Number(expected[i]);
    difference += (Number(actual[i]) - want) ** 2;
    norm += want ** 2;
  }
  const ratio = Math.sqrt(difference) / Math.max(Math.sqrt(norm), floor);
  return Number.isNaN(ratio) ? Infinity : ratio;
}

/** Compares outputs with the model's known answer, within its tolerance. */
export function checkKnownOutputs(outputs: readonly Tensor[], model: Model): Outcome<void, 'KNOWN_ANSWER'> {
  // An exact model gives the same bits everywhere; one that does not is not used.
  const { relativeL2: allowed, floor } =
    model.tolerance.class === 'T' ? model.tolerance : { relativeL2: 0, floor: 1 };
  for (const [i, { name, dtype }] of model.outputs.entries()) {
    const output = outputs[i];
    const encoded = model.knownAnswer.outputs[i];
    if (output === undefined || encoded === undefined)
      return fail('KNOWN_ANSWER', `no known answer for output ${name}`);
    const data = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
    if (data.length !== output.data.length)
      return fail('KNOWN_ANSWER', `output ${name} has another size than its known answer`);
    const error = relativeL2(elementsOf(output), elementsOf({ dtype, data }), floor);
    if (error > allowed) {
      return fail(
        'KNOWN_ANSWER',
        `output ${name} is off by ${error.toExponential(1)}, ${allowed.toExponential(1)} allowed`,
      );
    }
  }
  return ok(undefined);
}
