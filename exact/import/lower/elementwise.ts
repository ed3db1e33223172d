import { channelAxis } from '../draft.ts';
import { type Tensor, withLast } from '../tensor.ts';
import { type Activation, onnxShape, type Use } from '../use.ts';

type Affine = { scale: Float64Array; shift: Float64Array };

/** The value passes on where nothing changes; otherwise scale · x + shift. */
export function emitAffine(use: Use, input: Activation, { scale, shift }: Affine): void {
  const unchanged = scale.every((value) => value === 1) && shift.every((value) => value === 0);
  if (unchanged) use.give({ activation: input });
  else use.emit({ kind: 'affine', input: input.id, scale, shift }, input.shape, { batch: input.batch });
}

/** A constant beside an activation as one number, or as one a channel. */
export function perChannel(use: Use, { shape, data }: Tensor, input: Activation): Float64Array {
  if (data.length === 1 && shape.length <= input.shape.length) return data;
  const sizes = onnxShape(input);
  const missing = sizes.length - shape.length;
  const long = [...shape.keys()].filter((axis) => shape[axis] !== 1);
  const [axis = 0] = long;
  const channels = channelAxis(input.shape);
  if (missing < 0 || long.length !== 1 || use.graphAxis(input, axis + missing) !== channels)
    throw use.refuse(
      `a constant [${shape.join(', ')}] beside [${sizes.join(', ')}]: one number or one a channel is known`,
    );
  if (shape[axis] !== input.shape[channels])
    throw use.refuse(`${shape[axis]} constants for ${input.shape[channels]} channels`);
  return data;
}

const filled = ({ length }: Float64Array, value: number): Float64Array =>
  new Float64Array(length).fill(value);

type Sides =
  | { both: readonly [Activation, Activation] }
  /** `first`: whether the constant is the first operand. */
  | { input: Activation; constant: Float64Array; first: boolean };

function sides(use: Use): Sides {
  const [a, b] = [use.value(0), use.value(1)];
  if ('activation' in a && 'activation' in b) return { both: [a.activation, b.activation] };
  if ('activation' in a && 'constant' in b)
    return { input: a.activation, constant: perChannel(use, b.constant, a.activation), first: false };
  if ('constant' in a && 'activation' in b)
    return { input: b.activation, constant: perChannel(use, a.constant, b.activation), first: true };
  throw use.refuse('of constants is not known');
}

const same = (a: Activation, b: Activation): boolean =>
  a.batch === b.batch && a.shape.join() === b.shape.join();

const unequal = (use: Use, a: Activation, b: Activation): Error =>
  use.refuse(`of [${onnxShape(a).join(', ')}] and [${onnxShape(b).join(', ')}] is not known`);

/** ONNX Add-7 to -14, and Sum of two. */
export function add(use: Use): void {
  const found = sides(use);
  if ('both' in found) {
    const [a, b] = found.both;
    if (!same(a, b)) throw unequal(use, a, b);
    return use.emit({ kind: 'add', inputs: [a.id, b.id] }, a.shape, { batch: a.batch });
  }
  emitAffine(use, found.input, { scale: filled(found.constant, 1), shift: found.constant });
}

/** ONNX Sub-7 to -14. Of two activations it is a piece of a layer norm. */
export function subtract(use: Use): void {
  const found = sides(use);
  if ('both' in found) {
    const [a, b] = found.both;
    if (!same(a, b) && !same({ ...a, shape: withLast(a.shape, 1) }, b)) throw unequal(use, a, b);
    return use.emit({ kind: 'subtract', inputs: [a.id, b.id] }, a.shape, { batch: a.batch });
  }
  const { input, constant, first } = found;
  const shift = first ? constant : constant.map((value) => -value);
  emitAffine(use, input, { scale: filled(constant, first ? -1 : 1), shift });
}

/** ONNX Mul-7 to -14. */
export function multiply(use: Use): void {
  const found = sides(use);
  if ('both' in found) {
    const [a, b] = found.both;
    const gates = (gate: Activation, x: Activation): boolean =>
      x.shape.length === 4 && gate.batch === x.batch && gate.shape.join() === [1, x.shape[1], 1, 1].join();
    if (same(a, b) || gates(b, a))
      return use.emit({ kind: 'mul', inputs: [a.id, b.id] }, a.shape, { batch: a.batch });
    if (gates(a, b)) return use.emit({ kind: 'mul', inputs: [b.id, a.id] }, b.shape, { batch: b.batch });
    throw unequal(use, a, b);
  }
  emitAffine(use, found.input, { scale: found.constant, shift: filled(found.constant, 0) });
}

/** ONNX Div-7 to -14. Of two activations it is a piece of a layer norm. */
export function divide(use: Use): void {
  const found = sides(use);
  if ('both' in found) {
    const [a, b] = found.both;
    if (!same({ ...a, shape: withLast(a.shape, 1) }, b)) throw unequal(use, a, b);
    return use.emit({ kind: 'divide', inputs: [a.id, b.id] }, a.shape, { batch: a.batch });
  }
  const { input, constant, first } = found;
  if (first) throw use.refuse('a constant by an activation is not known');
  if (constant.includes(0)) throw use.refuse('division by zero');
  emitAffine(use, input, { scale: constant.map((value) => 1 / value), shift: filled(constant, 0) });
}

export function negate(use: Use): void {
  emitAffine(use, use.activation(0), { scale: Float64Array.of(-1), shift: Float64Array.of(0) });
}

function power(use: Use, exponent: number): void {
  const { id, shape, batch } = use.activation(0);
  use.emit({ kind: 'power', input: id, exponent }, shape, { batch });
}

/** ONNX Pow-7 to -15 by a constant, and Sqrt: pieces of a layer norm. */
export function pow(use: Use): void {
  const { data } = use.constant(1);
  const [exponent] = data;
  if (exponent === undefined || data.length > 1) throw use.refuse('only one exponent is known');
  power(use, exponent);
}

export const sqrt = (use: Use): void => power(use, 0.5);
