import { FRACTION_LIMIT } from '../format.ts';
import type { Attribute, Node } from './model.ts';
import { type Problem, uncertified } from './problem.ts';
import type { Tensor } from './tensor.ts';
import { constantType, type Range, type TensorType } from './type.ts';

/** What the rule of an operator sees of its node, and where it leaves what it proved. */
export class Context {
  readonly node: Node;
  /** The largest sum that the node makes, in grid steps, and its channel. */
  worst = { steps: 0, channel: 0 };
  /** Multiply-adds for one image. */
  macs = 0;
  readonly #types: ReadonlyMap<string, TensorType>;
  readonly #constants: ReadonlyMap<string, Tensor>;
  readonly #bound: number;
  readonly #known = new Set<string>();

  constructor(
    node: Node,
    types: ReadonlyMap<string, TensorType>,
    constants: ReadonlyMap<string, Tensor>,
    bound: number,
  ) {
    this.node = node;
    this.#types = types;
    this.#constants = constants;
    this.#bound = bound;
  }

  /** To be thrown: it names the node. */
  refuse(message: string): Problem {
    return uncertified(`${this.node.name} (${this.node.op}): ${message}`);
  }

  /** Throws Problem unless the node has so many inputs. */
  arity(least: number, most = least): void {
    const { length } = this.node.inputs;
    if (length < least || length > most) throw this.refuse(`${length} inputs`);
  }

  /** Whether input `index` is left out. */
  absent(index: number): boolean {
    return (this.node.inputs[index] ?? '') === '';
  }

  /** The type of an activation. Throws Problem where the input is a constant, is left out or is no f32. */
  activation(index: number): TensorType {
    const type = this.#types.get(this.node.inputs[index] ?? '');
    if (type === undefined) throw this.refuse(`input ${index} is no activation that may be used here`);
    if (type.dtype !== 'f32') throw this.refuse(`input ${index} is int32`);
    return type;
  }

  indices(index: number): TensorType {
    const type = this.#types.get(this.node.inputs[index] ?? '');
    if (type?.dtype !== 'i32') throw this.refuse(`input ${index} is no int32`);
    return type;
  }

  isConstant(index: number): boolean {
    return this.#constants.has(this.node.inputs[index] ?? '');
  }

  /** A constant of f32. */
  constant(index: number): Tensor {
    const tensor = this.#constants.get(this.node.inputs[index] ?? '');
    if (tensor?.dtype !== 'f32') throw this.refuse(`input ${index}: a constant of f32 is expected`);
    return tensor;
  }

  /** A constant list of int64. */
  integers(index: number): number[] {
    const tensor = this.#constants.get(this.node.inputs[index] ?? '');
    if (tensor?.dtype !== 'i64' || tensor.shape.length !== 1)
      throw this.refuse(`input ${index}: a constant list of int64 is expected`);
    return [...tensor.data];
  }

  /** A scalar of f32, or null where the input is left out. */
  scalar(index: number): number | null {
    if (this.absent(index)) return null;
    const { shape, data } = this.constant(index);
    const [value] = data;
    if (shape.length > 0 || value === undefined) throw this.refuse(`input ${index}: a scalar is expected`);
    return value;
  }

  /** Input `index` as the operand of an elementwise operator; a constant gets the axis of its partner. */
  operand(index: number, partner: TensorType): TensorType {
    if (!this.isConstant(index)) return this.activation(index);
    return constantType(this.constant(index), partner.shape.length, partner.axis, this.node.name);
  }

  int(name: string, fallback: number): number {
    const value = this.#attribute(name) ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value)) throw this.refuse(`attribute ${name}`);
    return value;
  }

  float(name: string, fallback: number): number {
    const value = this.#attribute(name) ?? { float: fallback };
    if (typeof value !== 'object' || !('float' in value) || !Number.isFinite(value.float))
      throw this.refuse(`attribute ${name}`);
    return value.float;
  }

  /** A list of `length` integers of at least `least`. */
  ints(name: string, length: number | null, least: number, fallback?: readonly number[]): readonly number[] {
    const value = this.#attribute(name) ?? fallback;
    if (typeof value !== 'object' || 'float' in value)
      throw this.refuse(`attribute ${name}: a list of integers is expected`);
    if ((length !== null && value.length !== length) || value.some((element) => element < least))
      throw this.refuse(`attribute ${name}: [${value.join(', ')}]`);
    return value;
  }

  /** Throws Problem unless the attribute, or what it is when it is left out, is `expected`. */
  must(name: string, expected: number | string, fallback?: number | string): void {
    const value = this.#attribute(name) ?? fallback;
    if (value !== expected) throw this.refuse(`attribute ${name} must be ${expected}`);
  }

  #attribute(name: string): Attribute | undefined {
    this.#known.add(name);
    return this.node.attributes.get(name);
  }

  /** Throws Problem where the node has an attribute that its rule did not ask for. */
  finish(): void {
    for (const name of this.node.attributes.keys())
      if (!this.#known.has(name)) throw this.refuse(`attribute ${name} is not in the dialect`);
  }

  /**
   * The heart of the certificate: what the ranges say may be summed stays below the bound, in steps of their grids. Returns
   * the ranges. Throws Problem naming channel and bound.
   */
  certify(ranges: readonly Range[]): readonly Range[] {
    for (const [channel, { fraction, positive, negative, low, high }] of ranges.entries()) {
      if (!(Math.abs(fraction) <= FRACTION_LIMIT))
        throw this.refuse(`channel ${channel}: a grid of 2^${-fraction}`);
      const steps = Math.max(positive, high, -negative, -low) * 2 ** fraction;
      // Also when it is no number.
      if (!(steps < this.#bound))
        throw this.refuse(`channel ${channel}: sums of up to ${steps} steps, ${this.#bound} is the bound`);
      if (steps >= this.worst.steps) this.worst = { steps, channel };
    }
    return ranges;
  }
}
