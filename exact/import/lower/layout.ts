import { permutationOf, reshapeTarget, slicedRanges, squeezedAxes, unsqueezedAxes } from '../places.ts';
import { type Activation, onnxShape, type Use } from '../use.ts';
import { padsOf } from './windows.ts';

const insideOut = (axis: number, batch: number): number => (axis < batch ? axis + 1 : axis);

/** The shape with the batch moved to the front. */
const batchFirst = (shape: readonly number[], batch: number): number[] => [1, ...shape.toSpliced(batch, 1)];

function emitReshape(use: Use, input: Activation, shape: readonly number[], batch: number): void {
  const { id } = input;
  if (shape.join() === input.shape.join()) use.give({ activation: { id, shape: input.shape, batch } });
  else use.emit({ kind: 'reshape', input: id, shape }, shape, { batch });
}

/** ONNX Reshape-5 to -14. */
export function reshape(use: Use): void {
  const input = use.plain(0);
  const target = reshapeTarget(use, input.shape);
  if (target[0] !== 1) throw use.refuse(`to [${target.join(', ')}]: the batch must stay axis 0`);
  emitReshape(use, input, target, 0);
}

/** ONNX Flatten-1 to -13 of everything but the batch. */
export function flatten(use: Use): void {
  const input = use.plain(0);
  const axis = use.number('axis', 1);
  if (axis !== 1 && axis !== 1 - input.shape.length) throw use.refuse(`from axis ${axis}: only 1 is known`);
  emitReshape(use, input, [1, input.shape.reduce((product, size) => product * size, 1)], 0);
}

/** ONNX Squeeze-1 to -13. Without axes the batch stays. */
export function squeeze(use: Use): void {
  const input = use.activation(0);
  const shape = onnxShape(input);
  const named = use.has('axes') || use.optional(1) !== undefined;
  const gone = squeezedAxes(use, shape).filter((axis) => named || axis !== input.batch);
  if (gone.includes(input.batch)) throw use.refuse('it drops the batch');
  const batch = input.batch - gone.filter((axis) => axis < input.batch).length;
  emitReshape(
    use,
    input,
    batchFirst(
      shape.filter((_, axis) => !gone.includes(axis)),
      batch,
    ),
    batch,
  );
}

/** ONNX Unsqueeze-1 to -13. */
export function unsqueeze(use: Use): void {
  const input = use.activation(0);
  const shape = [...onnxShape(input)];
  let { batch } = input;
  for (const axis of unsqueezedAxes(use, shape.length).toSorted((a, b) => a - b)) {
    shape.splice(axis, 0, 1);
    if (axis <= batch) batch += 1;
  }
  emitReshape(use, input, batchFirst(shape, batch), batch);
}

/** ONNX Transpose-1 to -13. In the graph the batch stays in front, and only the other axes change places. */
export function transpose(use: Use): void {
  const input = use.activation(0);
  const { id, shape } = input;
  const axes = permutationOf(use, shape.length);
  const batch = axes.indexOf(input.batch);
  const permutation = [0, ...axes.toSpliced(batch, 1).map((axis) => insideOut(axis, input.batch))];
  if (permutation.every((axis, at) => axis === at)) return use.give({ activation: { id, shape, batch } });
  const turned = permutation.map((axis) => shape[axis] ?? 1);
  use.emit({ kind: 'transpose', input: id, permutation }, turned, { batch });
}

/** ONNX Slice-1 to -13, along one axis. */
export function slice(use: Use): void {
  const input = use.activation(0);
  const { id, shape, batch } = input;
  const [range, ...others] = slicedRanges(use, onnxShape(input));
  if (range === undefined) return use.give({ activation: input });
  if (others.length > 0 || range.step !== 1) throw use.refuse('known along one axis, every element of it');
  const { start, end } = range;
  const axis = use.graphAxis(input, range.axis);
  use.emit({ kind: 'slice', input: id, axis, start, end }, shape.with(axis, end - start), { batch });
}

/** ONNX Gather-1 to -13 of one place, given as a number (the axis goes) or as a list of one. */
export function gather(use: Use): void {
  const input = use.activation(0);
  const { id, shape, batch } = input;
  const { data, shape: places } = use.constant(1);
  const [place] = data;
  if (place === undefined || data.length > 1) throw use.refuse('of several places is not known');
  const wanted = use.number('axis', 0);
  const axis = use.graphAxis(input, wanted);
  const start = use.axis(place, shape[axis] ?? 0);
  const body = { kind: 'slice', input: id, axis, start, end: start + 1 } as const;
  if (places.length > 1) throw use.refuse('of several places is not known');
  if (places.length === 1) return use.emit(body, shape.with(axis, 1), { batch });
  const gone = use.axis(wanted, shape.length) < batch;
  use.emitFlattened(body, shape.with(axis, 1), shape.toSpliced(axis, 1), { batch: gone ? batch - 1 : batch });
}

/** ONNX Split-2 to -18: one slice for each output. */
export function split(use: Use): void {
  const input = use.activation(0);
  const { id, shape, batch } = input;
  const { outputs } = use.node;
  const axis = use.graphAxis(input, use.number('axis', 0));
  const size = shape[axis] ?? 0;
  use.ignore('num_outputs');
  const each = Math.ceil(size / outputs.length);
  const even = outputs.map((_, index) => Math.min(each, size - index * each));
  const sizes = use.list('split', 1) ?? even;
  if (sizes.length !== outputs.length || sizes.reduce((sum, part) => sum + part, 0) !== size)
    throw use.refuse(`${size} does not split into [${sizes.join(', ')}]`);
  let start = 0;
  for (const [index, part] of sizes.entries()) {
    const body = { kind: 'slice', input: id, axis, start, end: start + part } as const;
    use.emit(body, shape.with(axis, part), { index, batch });
    start += part;
  }
}

/** ONNX Concat-4 to -13. */
export function concat(use: Use): void {
  const inputs = Array.from({ length: use.inputCount }, (_, index) => use.activation(index));
  const [first] = inputs;
  if (first === undefined) throw use.refuse('it has no inputs');
  const axis = use.graphAxis(first, use.number('axis', 1));
  const fits = ({ shape, batch }: Activation): boolean =>
    batch === first.batch &&
    shape.length === first.shape.length &&
    shape.every((size, at) => at === axis || size === first.shape[at]);
  if (!inputs.every(fits)) throw use.refuse('its inputs have different shapes');
  const size = inputs.reduce((sum, { shape }) => sum + (shape[axis] ?? 0), 0);
  const ids = inputs.map(({ id }) => id);
  use.emit({ kind: 'concat', inputs: ids, axis }, first.shape.with(axis, size), { batch: first.batch });
}

/** ONNX Pad-2 to -18 of images with zeros; a conv or a pool after it takes it in. */
export function pad(use: Use): void {
  const { id, shape } = use.plain(0, 4);
  use.expect('mode', 'constant');
  const value = use.optionalConstant(2)?.data[0] ?? use.number('value', 0);
  const axes = use.list('axes', 3) ?? [0, 1, 2, 3];
  const given = use.list('pads', 1) ?? [];
  if (given.length !== 2 * axes.length) throw use.refuse(`${given.length} pads for ${axes.length} axes`);
  const around = Array.from({ length: 8 }, () => 0);
  for (const [index, axis] of axes.entries()) {
    const at = use.axis(axis, 4);
    around[at] = given[index] ?? 0;
    around[at + 4] = given[index + axes.length] ?? 0;
  }
  const [n, c, top = 0, left = 0, m, d, bottom = 0, right = 0] = around;
  if (n || c || m || d || value !== 0) throw use.refuse('known only with zeros around the image');
  const pads = padsOf(use, [top, left, bottom, right]);
  const [, channels = 0, height = 0, width = 0] = shape;
  use.emit({ kind: 'pad', input: id, pads }, [1, channels, height + top + bottom, width + left + right]);
}
