import { reshapedId, type ValueId } from '../graph.ts';
import type { Draft, DraftBody } from './draft.ts';
import type { Attribute, Node } from './read.ts';
import { type ImportProblem, malformed, Refusal } from './refusal.ts';
import { elements, type Tensor } from './tensor.ts';

/**
 * A value that depends on the input. Its batch may be at any axis in ONNX (attention moves it about); in the graph it is at
 * axis 0 and the other axes keep their order, which changes no number where the batch is 1.
 */
export type Activation = {
  id: ValueId;
  /** In the graph: with the batch of 1 in front. */
  shape: readonly number[];
  /** Which axis the batch is in ONNX. */
  batch: number;
};

export type Value = { constant: Tensor } | { activation: Activation };

/** What lowering has made so far. */
export type Lowered = {
  opset: number;
  /** By ONNX name. */
  values: Map<string, Value>;
  shapes: Map<ValueId, readonly number[]>;
  ops: Draft[];
};

const isInts = (attribute: Attribute): attribute is Extract<Attribute, { type: 'ints' | 'floats' }> =>
  attribute.type === 'ints' || attribute.type === 'floats';

/**
 * One ONNX node while it is lowered. It notes what was read: attributes and inputs that nobody asked for are not known, and
 * `finish` refuses them, so that nothing is ever passed over in silence.
 */
export class Use {
  readonly node: Node;
  readonly #lowered: Lowered;
  readonly #read = new Set<string | number>();

  constructor(node: Node, lowered: Lowered) {
    this.node = node;
    this.#lowered = lowered;
  }

  get opset(): number {
    return this.#lowered.opset;
  }

  refuse(why: string, code: ImportProblem = 'UNSUPPORTED'): Refusal {
    return new Refusal(code, `${this.node.name} (${this.node.operator}): ${why}`);
  }

  #attribute(name: string): Attribute | undefined {
    this.#read.add(name);
    return this.node.attributes.get(name);
  }

  /** Attributes that change nothing about the result. */
  ignore(...names: readonly string[]): void {
    for (const name of names) this.#read.add(name);
  }

  number(name: string, fallback: number): number {
    const attribute = this.#attribute(name);
    if (attribute === undefined) return fallback;
    if (attribute.type !== 'int' && attribute.type !== 'float')
      throw malformed(`${this.node.name}: attribute ${name} is no number`);
    return attribute.value;
  }

  has(name: string): boolean {
    return this.node.attributes.has(name);
  }

  numbers(name: string): readonly number[] | undefined {
    const attribute = this.#attribute(name);
    if (attribute === undefined) return undefined;
    if (!isInts(attribute)) throw malformed(`${this.node.name}: attribute ${name} is no list of numbers`);
    return attribute.value;
  }

  string(name: string, fallback: string): string {
    const attribute = this.#attribute(name);
    if (attribute === undefined) return fallback;
    if (attribute.type !== 'string') throw malformed(`${this.node.name}: attribute ${name} is no text`);
    return attribute.value;
  }

  tensor(name: string): Tensor | undefined {
    const attribute = this.#attribute(name);
    if (attribute === undefined) return undefined;
    if (attribute.type !== 'tensor') throw malformed(`${this.node.name}: attribute ${name} is no tensor`);
    return attribute.value;
  }

  /** Throws unless the attribute is left out or says what is the default here. */
  expect(name: string, value: number | string): void {
    const found = typeof value === 'number' ? this.number(name, value) : this.string(name, value);
    if (found !== value) throw this.refuse(`${name} ${found}: only ${value} is known`);
  }

  get inputCount(): number {
    return this.node.inputs.length;
  }

  /** Whether no input depends on the model's; none of them counts as asked for. */
  get ofConstants(): boolean {
    const values = this.node.inputs.map((name) => this.#lowered.values.get(name));
    return values.every((value) => value === undefined || 'constant' in value);
  }

  optional(index: number): Value | undefined {
    this.#read.add(index);
    const name = this.node.inputs[index];
    return name === undefined || name === '' ? undefined : this.#lowered.values.get(name);
  }

  value(index: number): Value {
    const value = this.optional(index);
    if (value === undefined)
      throw malformed(`${this.node.name} (${this.node.operator}): input ${index} is missing`);
    return value;
  }

  activation(index: number): Activation {
    const value = this.value(index);
    if ('constant' in value)
      throw this.refuse(`input ${index} is a constant, and is known only as an activation`);
    return value.activation;
  }

  /** Of the batch at axis 0, with `rank` axes: what images and rows of features are. */
  plain(index: number, rank?: number): Activation {
    const activation = this.activation(index);
    if (activation.batch !== 0) throw this.refuse('the batch is not axis 0 of its input');
    if (rank !== undefined && activation.shape.length !== rank)
      throw this.refuse(`input of rank ${activation.shape.length}: only ${rank} is known`);
    return activation;
  }

  constant(index: number): Tensor {
    const value = this.value(index);
    if ('activation' in value)
      throw this.refuse(`input ${index} is computed, and is known only as a constant`);
    return value.constant;
  }

  optionalConstant(index: number): Tensor | undefined {
    return this.optional(index) === undefined ? undefined : this.constant(index);
  }

  /** Whole numbers that say a size or a place: an attribute in older opsets, an input in newer ones. */
  list(name: string, index: number): readonly number[] | undefined {
    const numbers = this.numbers(name) ?? this.#listInput(name, index);
    if (numbers?.some((number) => !Number.isInteger(number)))
      throw malformed(`${this.node.name} (${this.node.operator}): ${name} [${numbers.join(', ')}]`);
    return numbers;
  }

  #listInput(name: string, index: number): readonly number[] | undefined {
    const value = this.optional(index);
    if (value === undefined) return undefined;
    if ('activation' in value)
      throw this.refuse(`${name} is only known when the model runs`, 'DYNAMIC_SHAPE');
    return [...value.constant.data];
  }

  /** An axis as ONNX counts it, of `rank` axes; negative ones count from the end. */
  axis(axis: number, rank: number): number {
    const positive = axis < 0 ? axis + rank : axis;
    if (!Number.isInteger(axis) || positive < 0 || positive >= rank)
      throw malformed(`${this.node.name} (${this.node.operator}): axis ${axis} of ${rank}`);
    return positive;
  }

  /** Where an axis of ONNX is in the graph. Refuses the batch: it is never moved, split or summed over. */
  graphAxis({ shape, batch }: Activation, axis: number): number {
    const positive = this.axis(axis, shape.length);
    if (positive === batch) throw this.refuse('it works along the batch');
    return positive < batch ? positive + 1 : positive;
  }

  /** The operation makes output `index`. `batch` is its axis in ONNX. */
  emit(body: DraftBody, shape: readonly number[], { index = 0, batch = 0 } = {}): void {
    const output = this.node.outputs[index] ?? '';
    if (this.#lowered.shapes.has(output)) throw malformed(`${this.node.name}: ${output} is made twice`);
    if (shape.some((size) => size < 1))
      throw this.refuse(`its output would be empty ([${shape.join(', ')}])`);
    elements(shape, this.node.name);
    this.#lowered.ops.push({ ...body, name: this.node.name, output });
    this.#lowered.shapes.set(output, shape);
    this.#lowered.values.set(output, { activation: { id: output, shape, batch } });
  }

  /**
   * The operation makes the output, whose shape ONNX has without the axes of 1 that the operation keeps. The graph needs a
   * reshape between, and so a value that the file does not name: the reshape has it, since it changes no number.
   */
  emitFlattened(
    body: DraftBody,
    shape: readonly number[],
    flat: readonly number[],
    { batch = 0 } = {},
  ): void {
    this.emit(body, shape);
    const [output = ''] = this.node.outputs;
    const id = reshapedId(output, flat);
    if (this.#lowered.shapes.has(id)) throw malformed(`${this.node.name}: ${id} is made twice`);
    this.#lowered.ops.push({ kind: 'reshape', name: this.node.name, output: id, input: output, shape: flat });
    this.#lowered.shapes.set(id, flat);
    this.give({ activation: { id, shape: flat, batch } });
  }

  /** The operation makes a constant, or passes a value on unchanged. */
  give(value: Value, index = 0): void {
    this.#lowered.values.set(this.node.outputs[index] ?? '', value);
  }

  /** Throws when something about the node was not asked for, or an output that is used was not made. */
  finish(used: ReadonlySet<string>): void {
    const { attributes, inputs, outputs } = this.node;
    for (const name of attributes.keys())
      if (!this.#read.has(name)) throw this.refuse(`attribute ${name} is not known`);
    for (const [index, input] of inputs.entries())
      if (input !== '' && !this.#read.has(index)) throw this.refuse(`input ${index} is not known`);
    for (const [index, output] of outputs.entries())
      if (used.has(output) && !this.#lowered.values.has(output))
        throw this.refuse(`output ${index} is used, and not known`);
  }
}

/** The shape as ONNX has it, for what computes with shapes. */
export function onnxShape({ shape, batch }: Activation): readonly number[] {
  const others = shape.slice(1);
  return [...others.slice(0, batch), shape[0] ?? 1, ...others.slice(batch)];
}
