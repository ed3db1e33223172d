import { type Onnx, onnx } from '../onnx.ts';
import { EXACT_OPSET } from '../format.ts';

const { DataType } = onnx.TensorProto;

/** Numbers of a tensor from which on f16 is smaller, its Cast included. */
const WORTH_A_CAST = 64;

/** Does f16 hold it, and not as a subnormal number, which a device may take for 0? */
const isNormalF16 = (value: number): boolean =>
  value === 0 || (Math.abs(value) >= 2 ** -14 && Math.f16round(value) === value);

/** Little-endian, as ONNX stores raw data. */
function rawBytes(
  data: ArrayLike<number>,
  bytes: number,
  put: (view: DataView, at: number, value: number) => void,
) {
  const raw = new Uint8Array(data.length * bytes);
  const view = new DataView(raw.buffer);
  for (let i = 0; i < data.length; i++) put(view, i * bytes, data[i] ?? 0);
  return raw;
}

type AttributeValue = number | string | readonly number[] | { float: number };

function attribute(name: string, value: AttributeValue): Onnx.IAttributeProto {
  const { AttributeType } = onnx.AttributeProto;
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: value };
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: Buffer.from(value) };
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeType.INTS, ints: [...value] };
}

type ValueShape = readonly (number | string)[];

const valueInfo = (name: string, elemType: number, shape: ValueShape): Onnx.IValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: {
        dim: shape.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size })),
      },
    },
  },
});

/** Writes an ONNX model node by node. The same calls give the same bytes. */
export class Builder {
  readonly #nodes: Onnx.INodeProto[] = [];
  readonly #initializers: Onnx.ITensorProto[] = [];
  readonly #shared = new Map<string, string>();
  readonly #inputs: Onnx.IValueInfoProto[] = [];
  readonly #outputs: Onnx.IValueInfoProto[] = [];
  readonly #names = new Set<string>();
  readonly #f16Weights: boolean;

  /** With `f16Weights`, weights that f16 holds are stored so. */
  constructor({ f16Weights = false }: { f16Weights?: boolean } = {}) {
    this.#f16Weights = f16Weights;
  }

  /** A name that nothing else has. */
  name(wanted: string): string {
    let name = wanted;
    for (let i = 2; this.#names.has(name); i++) name = `${wanted}~${i}`;
    this.#names.add(name);
    return name;
  }

  input(name: string, shape: ValueShape): void {
    this.#inputs.push(valueInfo(name, DataType.FLOAT, shape));
  }

  /** A result of the model: `value` as int32. `name` is one that `name()` gave. */
  result(value: string, name: string, shape: ValueShape): void {
    this.#nodes.push({
      opType: 'Cast',
      name,
      input: [value],
      output: [name],
      attribute: [attribute('to', DataType.INT32)],
    });
    this.#outputs.push(valueInfo(name, DataType.INT32, shape));
  }

  /** Returns the name of the node's one output, which is `output`, or one made from it where that is taken. */
  node(
    opType: string,
    inputs: readonly string[],
    output: string,
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    const name = this.name(output);
    this.#nodes.push({
      opType,
      name,
      input: [...inputs],
      output: [name],
      attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    });
    return name;
  }

  /** A constant of f32. Throws RangeError for a number that f32 does not hold: all of them are exact by construction. */
  floats(wanted: string, shape: readonly number[], data: ArrayLike<number>): string {
    for (let i = 0; i < data.length; i++)
      if (Math.fround(data[i] ?? 0) !== data[i]) throw new RangeError(`${wanted}: ${data[i]} is no f32`);
    const raw = rawBytes(data, 4, (view, offset, value) => view.setFloat32(offset, value, true));
    return this.#initializer(wanted, shape, DataType.FLOAT, raw);
  }

  /** As `floats`; or f16 numbers and their Cast to f32, where that is asked for, loses nothing and saves more than the node takes. */
  weights(wanted: string, shape: readonly number[], data: Float64Array): string {
    if (!this.#f16Weights || data.length < WORTH_A_CAST || !data.every(isNormalF16))
      return this.floats(wanted, shape, data);
    const raw = rawBytes(data, 2, (view, offset, value) => view.setFloat16(offset, value, true));
    const stored = this.#initializer(`${wanted}/f16`, shape, DataType.FLOAT16, raw);
    return this.node('Cast', [stored], wanted, { to: DataType.FLOAT });
  }

  /** A scalar of f32, shared by all that need the same. */
  scalar(value: number): string {
    const key = `scalar ${Object.is(value, -0) ? 0 : value}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const name = this.floats(`c${value}`, [], [value]);
    this.#shared.set(key, name);
    return name;
  }

  /** Shapes, axes and the like. */
  integers(data: readonly number[]): string {
    const key = `integers ${data.join(' ')}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const raw = rawBytes(data, 8, (view, offset, value) => view.setBigInt64(offset, BigInt(value), true));
    const name = this.#initializer(`i${data.join('_')}`, [data.length], DataType.INT64, raw);
    this.#shared.set(key, name);
    return name;
  }

  #initializer(wanted: string, dims: readonly number[], dataType: number, rawData: Uint8Array): string {
    const name = this.name(wanted);
    this.#initializers.push({ name, dims: [...dims], dataType, rawData });
    return name;
  }

  encode(metadata: Readonly<Record<string, string>>): Uint8Array {
    const model = onnx.ModelProto.fromObject({
      irVersion: 8,
      opsetImport: [{ domain: '', version: EXACT_OPSET }],
      producerName: 'gridtab exactify',
      graph: {
        name: 'exact',
        node: this.#nodes,
        initializer: this.#initializers,
        input: this.#inputs,
        output: this.#outputs,
      },
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
    return onnx.ModelProto.encode(model).finish();
  }
}
