import { describe, expect, it } from 'vitest';
import { Random } from '../../subnet/models/random.ts';
import type { Builder } from '../compile/builder.ts';
import { METADATA } from '../format.ts';
import { type Onnx, onnx } from '../onnx.ts';
import { dialect } from '../testing/dialect.ts';
import { checkExact } from './check.ts';
import { gridOf } from './type.ts';

const LIMIT = 2 ** 24;

/** A 1×1 convolution of one channel with input in [low, high]. */
const conv = (weight: number, bias: number, low: number, high: number, next?: Next): Uint8Array =>
  dialect({
    input: [1, 2, 2],
    low,
    high,
    body: (builder, x) => {
      const sum = builder.node(
        'Conv',
        [x, builder.floats('w', [1, 1, 1, 1], [weight]), builder.floats('b', [1], [bias])],
        'sum',
      );
      return { y: builder.node('Floor', [next?.(builder, sum) ?? sum], 'y0') };
    },
  });
type Next = (builder: Builder, sum: string) => string;

const verdict = (file: Uint8Array): string => {
  const result = checkExact(file);
  return result.ok ? 'ok' : `${result.code}: ${result.message}`;
};

/** The file with its protocol buffer changed. */
function changed(
  file: Uint8Array,
  change: (model: Onnx.ModelProto, graph: Onnx.IGraphProto) => void,
): Uint8Array {
  const model = onnx.ModelProto.decode(file);
  if (model.graph != null) change(model, model.graph);
  return onnx.ModelProto.encode(model).finish();
}

describe('the bound', () => {
  it.each([
    ['products', 1, 0],
    ['products on a fine grid', 2 ** -30, 0],
    ['products on a coarse grid', 2 ** 10, 0],
  ])('of %s is 2^24 steps', (_, weight) => {
    expect(verdict(conv(weight, 0, 0, LIMIT - 1))).toBe('ok');
    expect(verdict(conv(weight, 0, -(LIMIT - 1), 0))).toBe('ok');
    // 2^23 + 2^23, and one less.
    expect(verdict(conv(weight, weight * 2 ** 23, 0, 2 ** 23 - 1))).toBe('ok');
    expect(verdict(conv(weight, weight * 2 ** 23, 0, 2 ** 23))).toMatch(
      /UNCERTIFIED: sum \(Conv\): channel 0: sums of up to 16777216/,
    );
    expect(verdict(conv(weight, -weight * 2 ** 23, -(2 ** 23 - 1), 0))).toBe('ok');
    expect(verdict(conv(weight, -weight * 2 ** 23, -(2 ** 23), 0))).toMatch(/UNCERTIFIED/);
  });

  it('counts a bias on its own side: it may be added first or last', () => {
    // The result is between 1 and 2^23, but bias and products alone reach further.
    expect(verdict(conv(-1, LIMIT, 0, 2 ** 23))).toMatch(/UNCERTIFIED/);
    expect(verdict(conv(-1, LIMIT - 1, 0, 2 ** 23))).toBe('ok');
    expect(verdict(conv(3, 1 - LIMIT, 0, 2 ** 23))).toMatch(/UNCERTIFIED/);
    expect(verdict(conv(3, LIMIT - 1, -(2 ** 23), 0))).toMatch(/UNCERTIFIED/);
  });

  it('is on the grid that bias and products have in common', () => {
    expect(verdict(conv(1, 0.5, 0, 2 ** 22))).toBe('ok');
    expect(verdict(conv(1, 0.5, 0, 2 ** 23))).toMatch(/UNCERTIFIED/);
    expect(verdict(conv(Math.fround(0.1), 0, 0, 255))).toMatch(/UNCERTIFIED/);
  });

  it('holds for what a runtime fuses into a sum: constants, residuals, factors', () => {
    const shift =
      (value: number): Next =>
      (builder, sum) =>
        builder.node('Add', [sum, builder.scalar(value)], 'shifted');
    expect(verdict(conv(1, 10_000_000, 0, 5_000_000, shift(-10_000_000)))).toBe('ok');
    // As one sum: 10,000,000 and 6,000,000 and 5,000,000 could meet before −16,000,000 does.
    const twice: Next = (builder, sum) => shift(-16_000_000)(builder, shift(6_000_000)(builder, sum));
    expect(verdict(conv(1, 10_000_000, -15_000_000, 0, twice))).toMatch(/UNCERTIFIED: shifted/);
    const back: Next = (builder, sum) => shift(16_000_000)(builder, shift(-6_000_000)(builder, sum));
    expect(verdict(conv(1, -10_000_000, 0, 15_000_000, back))).toMatch(/UNCERTIFIED: shifted/);
    const clipped: Next = (builder, sum) =>
      shift(-10_000_000)(
        builder,
        builder.node('Clip', [sum, builder.scalar(0), builder.scalar(LIMIT - 1)], 'clip'),
      );
    expect(verdict(conv(1, 10_000_000, -15_000_000, 0, clipped))).toBe('ok');
    const factor =
      (value: number): Next =>
      (builder, sum) =>
        builder.node('Mul', [sum, builder.scalar(value)], 'scaled');
    expect(verdict(conv(1, 0, 0, 2 ** 23, factor(0.5)))).toBe('ok');
    expect(verdict(conv(1, 0, 0, 2 ** 23, factor(3)))).toMatch(/UNCERTIFIED: scaled/);
    // Scaled, the bias alone passes 2^24, although the result cannot.
    expect(verdict(conv(-1, 2 ** 23, 2 ** 22, 2 ** 23, factor(3)))).toMatch(/UNCERTIFIED: scaled/);
  });

  it('adds up over channels, taps and groups', () => {
    const build = (weight: number, group: number): Uint8Array =>
      dialect({
        input: [4, 5, 5],
        low: 0,
        high: 255,
        body: (builder, x) => {
          const shape = [4, 4 / group, 3, 3];
          const w = builder.floats('w', shape, new Float64Array(shape.reduce((a, b) => a * b)).fill(weight));
          return { y: builder.node('Conv', [x, w], 'sum', { group, pads: [1, 1, 1, 1] }) };
        },
      });
    // 36 taps · 255 · 1827 = 16,771,860, and 9 taps · 255 · 7309 = 16,774,155. Odd, so that no coarser grid holds them.
    expect(verdict(build(1827, 1))).toBe('ok');
    expect(verdict(build(1829, 1))).toMatch(/UNCERTIFIED/);
    expect(verdict(build(7309, 4))).toBe('ok');
    expect(verdict(build(7311, 4))).toMatch(/UNCERTIFIED/);
  });
});

describe('what is not in the dialect', () => {
  const plain = conv(2, 1, 0, 255);
  const refused: readonly [string, (model: Onnx.ModelProto, graph: Onnx.IGraphProto) => void][] = [
    ['another opset', (model) => model.opsetImport.forEach((opset) => void (opset.version = 18))],
    [
      'a second domain',
      (model) =>
        void model.opsetImport.push(new onnx.OperatorSetIdProto({ domain: 'com.microsoft', version: 1 })),
    ],
    ['an operator', (_, graph) => void (graph.node!.at(0)!.opType = 'ConvInteger')],
    ['a domain', (_, graph) => void (graph.node!.at(0)!.domain = 'com.microsoft')],
    [
      'an attribute',
      (_, graph) =>
        void graph.node!.at(0)!.attribute!.push({
          name: 'activation',
          type: onnx.AttributeProto.AttributeType.STRING,
          s: new TextEncoder().encode('Relu'),
        }),
    ],
    ['a second output', (_, graph) => void graph.node!.at(0)!.output!.push('mask')],
    [
      'a fixed batch',
      (_, graph) => void (graph.input!.at(0)!.type!.tensorType!.shape!.dim![0] = { dimValue: 1 }),
    ],
    [
      'a dynamic size',
      (_, graph) => void (graph.input!.at(0)!.type!.tensorType!.shape!.dim![2] = { dimParam: 'H' }),
    ],
    [
      'an image that takes all memory',
      (_, graph) => void (graph.input!.at(0)!.type!.tensorType!.shape!.dim![2] = { dimValue: 2 ** 40 }),
    ],
    [
      'more channels than memory has room for',
      (_, graph) => {
        const double = (from: string, to: string): Onnx.INodeProto => ({
          opType: 'Concat',
          input: [from, from],
          output: [to],
          attribute: [{ name: 'axis', type: onnx.AttributeProto.AttributeType.INT, i: 1 }],
        });
        graph.node!.push(double('sum', 'wide0'));
        for (let i = 0; i < 60; i++) graph.node!.push(double(`wide${i}`, `wide${i + 1}`));
      },
    ],
    [
      'a float output',
      (_, graph) => void (graph.output!.at(0)!.type!.tensorType!.elemType = onnx.TensorProto.DataType.FLOAT),
    ],
    ['shapes of interior values', (_, graph) => void (graph.valueInfo = [{ name: 'sum' }])],
    [
      'weights elsewhere',
      (_, graph) =>
        void (graph.initializer!.at(0)!.externalData = [{ key: 'location', value: '/etc/passwd' }]),
    ],
    [
      'weights of double',
      (_, graph) => void (graph.initializer!.at(0)!.dataType = onnx.TensorProto.DataType.DOUBLE),
    ],
    [
      'a default for the input',
      (_, graph) => void graph.initializer!.push({ ...graph.initializer![0], name: 'x' }),
    ],
    [
      'an output that is no int32',
      (_, graph) => {
        graph.node!.pop();
        graph.node!.at(-1)!.output = ['y'];
      },
    ],
    [
      'an output of another size',
      (_, graph) => void (graph.output!.at(0)!.type!.tensorType!.shape!.dim![2] = { dimValue: 3 }),
    ],
    ['a tensor used before it is made', (_, graph) => void graph.node!.reverse()],
    ['too few weights', (_, graph) => void (graph.initializer!.at(0)!.rawData = new Uint8Array(0))],
    [
      'infinite weights',
      (_, graph) =>
        void (graph.initializer!.at(0)!.rawData = new Uint8Array(new Float32Array([Infinity]).buffer)),
    ],
    ...[METADATA.format, METADATA.input, METADATA.outputs, METADATA.source].map(
      (key): (typeof refused)[number] => [
        `no metadata ${key}`,
        (model) => void (model.metadataProps = model.metadataProps.filter((entry) => entry.key !== key)),
      ],
    ),
    [
      'an input range that f32 does not hold',
      (model) => void (model.metadataProps.at(1)!.value = '{"low":0,"high":16777216}'),
    ],
  ];

  it.each(refused)('%s is refused', (_, change) => {
    expect(verdict(changed(plain, () => {}))).toBe('ok');
    expect(verdict(changed(plain, change))).toMatch(/^(UNCERTIFIED|MALFORMED): /);
  });

  it('a field that this reader does not know is refused: another reader may', () => {
    // Field 999 of the model, a varint.
    expect(verdict(new Uint8Array([...plain, 0xb8, 0x3e, 0x01]))).toMatch(/^MALFORMED: not in the canonical/);
  });

  it('bytes of any kind are data, never an exception', () => {
    const random = Random.from('bytes');
    let certified = 0;
    for (let i = 0; i < 3000; i++) {
      const bytes = Uint8Array.from(plain);
      for (let k = random.below(4); k >= 0; k--) bytes[random.below(bytes.length)] = random.below(256);
      if (checkExact(bytes.subarray(0, random.below(10) === 0 ? random.below(bytes.length) : undefined)).ok)
        certified++;
    }
    expect(certified).toBeLessThan(3000);
    expect(checkExact(new Uint8Array()).ok).toBe(false);
  });
});

describe('grids', () => {
  it.each([
    [1, 0],
    [3, 0],
    [6, -1],
    [0.5, 1],
    [-0.75, 2],
    [2 ** -30 * 5, 30],
    [2 ** 23, -23],
    [1 + 2 ** -52, 52],
    [0, -50],
  ])('of %d is 2^-%d', (value, fraction) => {
    expect(gridOf(value)).toBe(fraction);
  });
});
