import { permutationOf, reshapeTarget, slicedRanges, squeezedAxes, unsqueezedAxes } from '../places.ts';
import { broadcastShape, broadcastStrides, elements, stridesOf, type Tensor, walk } from '../tensor.ts';
import type { Use } from '../use.ts';

/** The elements of `tensor` in the order that `shape` and `strides` read them, from `offset`. */
function gathered(tensor: Tensor, shape: readonly number[], strides: readonly number[], offset = 0): Tensor {
  const data = new Float64Array(elements(shape, 'constant'));
  let index = 0;
  for (const from of walk(shape, strides)) data[index++] = tensor.data[offset + from] ?? 0;
  return { type: tensor.type, shape, data };
}

function slice(use: Use): Tensor {
  const tensor = use.constant(0);
  const shape = [...tensor.shape];
  const strides = stridesOf(shape);
  let offset = 0;
  for (const { axis, start, end, step } of slicedRanges(use, tensor.shape)) {
    offset += start * (strides[axis] ?? 0);
    shape[axis] = Math.ceil((end - start) / step);
    strides[axis] = (strides[axis] ?? 0) * step;
  }
  return gathered(tensor, shape, strides, offset);
}

/** The slices of `tensor` along `axis` at `places`, one after the other. */
function take(tensor: Tensor, axis: number, places: readonly number[]): Float64Array {
  const size = tensor.shape[axis] ?? 1;
  const inner = stridesOf(tensor.shape)[axis] ?? 1;
  const outer = size === 0 ? 0 : tensor.data.length / (size * inner);
  const data = new Float64Array(outer * places.length * inner);
  for (let block = 0; block < outer; block++)
    for (const [index, place] of places.entries()) {
      const from = (block * size + place) * inner;
      data.set(tensor.data.subarray(from, from + inner), (block * places.length + index) * inner);
    }
  return data;
}

function gather(use: Use): Tensor {
  const tensor = use.constant(0);
  const indices = use.constant(1);
  const axis = use.axis(use.number('axis', 0), tensor.shape.length);
  const places = [...indices.data].map((place) => use.axis(place, tensor.shape[axis] ?? 0));
  const shape = [...tensor.shape.slice(0, axis), ...indices.shape, ...tensor.shape.slice(axis + 1)];
  elements(shape, use.node.name);
  return { type: tensor.type, shape, data: take(tensor, axis, places) };
}

function concat(use: Use): Tensor {
  const tensors = Array.from({ length: use.inputCount }, (_, index) => use.constant(index));
  const [first] = tensors;
  if (first === undefined) throw use.refuse('it has no inputs');
  const axis = use.axis(use.number('axis', 0), first.shape.length);
  const fits = (tensor: Tensor): boolean =>
    tensor.shape.length === first.shape.length &&
    tensor.shape.every((size, at) => at === axis || size === first.shape[at]);
  if (!tensors.every(fits)) throw use.refuse('its inputs have different shapes');
  const size = tensors.reduce((sum, tensor) => sum + (tensor.shape[axis] ?? 0), 0);
  const shape = first.shape.with(axis, size);
  const inner = stridesOf(shape)[axis] ?? 1;
  const data = new Float64Array(elements(shape, use.node.name));
  let start = 0;
  for (const tensor of tensors) {
    const row = (tensor.shape[axis] ?? 0) * inner;
    for (let block = 0; block * row < tensor.data.length; block++)
      data.set(tensor.data.subarray(block * row, (block + 1) * row), block * size * inner + start);
    start += row;
  }
  return { type: first.type, shape, data };
}

function reshape(use: Use): Tensor {
  const tensor = use.constant(0);
  return { ...tensor, shape: reshapeTarget(use, tensor.shape) };
}

function squeeze(use: Use): Tensor {
  const tensor = use.constant(0);
  const gone = squeezedAxes(use, tensor.shape);
  return { ...tensor, shape: tensor.shape.filter((_, axis) => !gone.includes(axis)) };
}

function unsqueeze(use: Use): Tensor {
  const tensor = use.constant(0);
  const shape = [...tensor.shape];
  for (const axis of unsqueezedAxes(use, shape.length).toSorted((a, b) => a - b)) shape.splice(axis, 0, 1);
  return { ...tensor, shape };
}

function transpose(use: Use): Tensor {
  const tensor = use.constant(0);
  const permutation = permutationOf(use, tensor.shape.length);
  const strides = stridesOf(tensor.shape);
  return gathered(
    tensor,
    permutation.map((axis) => tensor.shape[axis] ?? 1),
    permutation.map((axis) => strides[axis] ?? 0),
  );
}

function expand(use: Use): Tensor {
  const tensor = use.constant(0);
  const shape = broadcastShape(tensor.shape, use.list('shape', 1) ?? []);
  if (shape === null) throw use.refuse('it does not expand to that shape');
  elements(shape, use.node.name);
  return gathered(tensor, shape, broadcastStrides(tensor.shape, shape));
}

/** Operators on constants that move and choose. */
export const LAYOUT: Readonly<Record<string, (use: Use) => Tensor>> = {
  Slice: slice,
  Gather: gather,
  Concat: concat,
  Reshape: reshape,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Expand: expand,
  Identity: (use) => use.constant(0),
};
