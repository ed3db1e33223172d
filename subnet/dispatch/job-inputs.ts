import type { Model } from '../../protocol/manifest.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { float32Values, type Tensor } from '../../protocol/tensor.ts';

/** Whether a requester's inputs are such as the model takes; the message says which is not, for people. */
export function checkInputs(
  model: Pick<Model, 'name' | 'inputs' | 'tolerance'>,
  inputs: readonly Tensor[],
): Outcome<null, 'WRONG_SHAPE' | 'OUT_OF_RANGE'> {
  if (inputs.length !== model.inputs.length)
    return fail('WRONG_SHAPE', `${model.name} takes ${model.inputs.length} inputs, got ${inputs.length}.`);
  for (const [i, expected] of model.inputs.entries()) {
    const given = inputs[i];
    if (
      given === undefined ||
      given.name !== expected.name ||
      given.dtype !== expected.dtype ||
      given.dims.join() !== expected.dims.join()
    ) {
      const { name, dtype, dims } = expected;
      return fail('WRONG_SHAPE', `Input ${i} must be ${name}: ${dtype}[${dims.join(', ')}].`);
    }
  }
  const bounds = model.tolerance.class === 'E' ? model.tolerance.input : undefined;
  return bounds === undefined ? ok(null) : checkRange(inputs, bounds);
}

/**
 * An exact model is exact for whole numbers within its bounds. For others backends differ, and honest tabs would fail an audit by
 * equality, so no requester may have such a job run.
 */
function checkRange(
  inputs: readonly Tensor[],
  { low, high }: { low: number; high: number },
): Outcome<null, 'OUT_OF_RANGE'> {
  for (const tensor of inputs) {
    if (tensor.dtype !== 'float32') continue;
    const values = float32Values(tensor);
    // Also finds NaN, which is no whole number.
    const at = values.findIndex((value) => !(Number.isInteger(value) && value >= low && value <= high));
    if (at !== -1)
      return fail(
        'OUT_OF_RANGE',
        `${tensor.name}[${at}] is ${values[at]}; whole numbers from ${low} to ${high} are expected.`,
      );
  }
  return ok(null);
}
