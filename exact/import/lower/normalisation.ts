import { channelAxis } from '../draft.ts';
import type { Use } from '../use.ts';
import { emitAffine } from './elementwise.ts';

/** ONNX BatchNormalization-7 to -15 as it is after training: one scale and one shift for each channel. */
export function batchNormalization(use: Use): void {
  use.ignore('momentum', 'spatial');
  use.expect('training_mode', 0);
  const input = use.plain(0);
  const epsilon = use.number('epsilon', 1e-5);
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => use.constant(index).data);
  if (channelAxis(input.shape) !== 1) throw use.refuse(`of rank ${input.shape.length} is not known`);
  const channels = input.shape[1] ?? 0;
  if (
    !gamma ||
    !beta ||
    !mean ||
    !variance ||
    [gamma, beta, mean, variance].some(({ length }) => length !== channels)
  )
    throw use.refuse(`its parameters are not ${channels} each`);
  const scale = gamma.map((value, channel) => value / Math.sqrt((variance[channel] ?? 0) + epsilon));
  const shift = beta.map((value, channel) => value - (mean[channel] ?? 0) * (scale[channel] ?? 0));
  emitAffine(use, input, { scale, shift });
}

/** ONNX LayerNormalization-17 over the last axis. */
export function layerNormalization(use: Use): void {
  use.ignore('stash_type');
  const input = use.activation(0);
  const rank = input.shape.length;
  if (use.graphAxis(input, use.number('axis', -1)) !== rank - 1)
    throw use.refuse('known only over the last axis');
  const width = input.shape[rank - 1] ?? 0;
  const scale = use.constant(1).data;
  const shift = use.optionalConstant(2)?.data ?? new Float64Array(width);
  if (scale.length !== width || shift.length !== width)
    throw use.refuse(`its parameters are not ${width} each`);
  const epsilon = use.number('epsilon', 1e-5);
  use.emit({ kind: 'layer-norm', input: input.id, scale, shift, epsilon }, input.shape, {
    batch: input.batch,
  });
}
