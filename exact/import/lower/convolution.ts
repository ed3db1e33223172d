import type { Constant } from '../../graph.ts';
import type { Tensor } from '../tensor.ts';
import type { Use } from '../use.ts';
import { pair, readWindow, slide } from './windows.ts';

type Weights = { weight: Constant; dims: readonly [number, number, number, number] };

function weights(use: Use): Weights {
  const { shape, data } = use.constant(1);
  const [a, b, h, w, ...rest] = shape;
  if (a === undefined || b === undefined || h === undefined || w === undefined || rest.length > 0)
    throw use.refuse(`weights of rank ${shape.length}: only images are known`);
  return { weight: { shape, data }, dims: [a, b, h, w] };
}

function biasOf(use: Use, bias: Tensor | undefined, channels: number): Float64Array {
  if (bias === undefined) return new Float64Array(channels);
  if (bias.data.length !== channels)
    throw use.refuse(`a bias of ${bias.data.length} for ${channels} channels`);
  return bias.data;
}

/** ONNX Conv-1, Conv-11. */
export function conv(use: Use): void {
  const { id, shape } = use.plain(0, 4);
  const { weight, dims } = weights(use);
  const [channels, fanIn, h, w] = dims;
  const groups = use.number('group', 1);
  if (fanIn * groups !== shape[1] || channels % groups !== 0)
    throw use.refuse(`${shape[1]} channels in ${groups} groups do not fit weights [${dims.join(', ')}]`);
  const { strides, pads, dilations, ...window } = readWindow(use, shape, [h, w]);
  const bias = biasOf(use, use.optionalConstant(2), channels);
  const size = slide({ ...window, strides, pads, dilations }, shape);
  use.emit({ kind: 'conv', input: id, weight, bias, strides, pads, dilations, groups }, [
    1,
    channels,
    ...size,
  ]);
}

/** ONNX ConvTranspose-1, -11, where kernels do not overlap. */
export function convTranspose(use: Use): void {
  const { id, shape } = use.plain(0, 4);
  const { weight, dims } = weights(use);
  const [fanIn, perGroup, h, w] = dims;
  const groups = use.number('group', 1);
  if (fanIn !== shape[1] || fanIn % groups !== 0)
    throw use.refuse(`${shape[1]} channels in ${groups} groups do not fit weights [${dims.join(', ')}]`);
  if (use.has('output_shape')) throw use.refuse('output_shape is not known');
  const { kernel, strides, pads } = readWindow(use, shape, [h, w]);
  const [y, x] = pair(use, 'dilations', [1, 1]);
  const extra = use.numbers('output_padding') ?? [];
  const overlaps = strides[0] !== kernel[0] || strides[1] !== kernel[1];
  if (overlaps || [...pads, ...extra].some((pad) => pad !== 0) || y !== 1 || x !== 1)
    throw use.refuse('only kernels that do not overlap (strides = kernel, no pads) are known');
  const channels = perGroup * groups;
  const bias = biasOf(use, use.optionalConstant(2), channels);
  const size = [(shape[2] ?? 0) * h, (shape[3] ?? 0) * w];
  use.emit({ kind: 'conv-transpose', input: id, weight, bias, strides, groups }, [1, channels, ...size]);
}
