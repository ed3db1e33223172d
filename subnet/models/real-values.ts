import { int32Values, type Tensor } from '../../protocol/tensor.ts';

/**
 * The first output of an exact model in real numbers: its integers times the first of `scales`. Throws RangeError without a scale,
 * and on other tensors than int32.
 */
export function realValues(output: Tensor, [scale]: readonly number[]): Float32Array {
  if (scale === undefined) throw new RangeError('scales: the real value of 1 is needed');
  return Float32Array.from(int32Values(output), (value) => value * scale);
}
