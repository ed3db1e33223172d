import type { onnx as Onnx } from 'onnx-proto';
import { onnx } from '../../../exact/onnx.ts';
import { describe, expect, it } from 'vitest';
import { singleWeightCopies, SUBSTITUTIONS } from './substitutions.ts';
import { withWeights } from './weights.ts';

const values = Float32Array.from({ length: 100 }, (_, i) => (i - 50) / 49 + 1e-5);
const tensor = (name: string, floats: Float32Array): Onnx.ITensorProto => ({
  name,
  dataType: onnx.TensorProto.DataType.FLOAT,
  dims: [floats.length],
  rawData: new Uint8Array(floats.slice().buffer),
});

/** A graph with an initialiser, a constant in a branch, and a tensor too small to be weights. */
const file = onnx.ModelProto.encode({
  irVersion: 8,
  graph: {
    name: 'g',
    initializer: [tensor('top', values), tensor('small', values.slice(0, 8))],
    node: [
      {
        opType: 'If',
        output: ['if'],
        attribute: [
          {
            name: 'then_branch',
            g: {
              node: [
                {
                  opType: 'Constant',
                  output: ['inner'],
                  attribute: [{ name: 'value', t: tensor('', values) }],
                },
              ],
            },
          },
        ],
      },
    ],
  },
}).finish();

const weightsOf = (bytes: Uint8Array): Map<string, Float32Array> => {
  const found = new Map<string, Float32Array>();
  withWeights(bytes, (weights) => found.set(weights.name, weights.values.slice()));
  return found;
};
const distinct = (floats: Float32Array | undefined): number => new Set(floats).size;

describe('withWeights', () => {
  it('finds weights in the graph and in branches, and nothing small', () => {
    expect([...weightsOf(file).keys()]).toEqual(['top', 'inner']);
    expect(weightsOf(file).get('inner')).toEqual(values);
  });

  it('leaves a file as it is where nothing is changed', () => {
    expect(weightsOf(withWeights(file, () => undefined))).toEqual(weightsOf(file));
  });
});

describe('substitutions', () => {
  it('lose precision as their names say', () => {
    expect(distinct(weightsOf(SUBSTITUTIONS.int8(file)).get('top'))).toBe(100);
    expect(distinct(weightsOf(SUBSTITUTIONS.int4(file)).get('inner'))).toBe(15);
    const half = weightsOf(SUBSTITUTIONS.fp16(file)).get('top');
    expect(half?.[0]).not.toBe(values[0]);
    expect(half?.[0]).toBeCloseTo(values[0] ?? 0, 3);
    const zeros = weightsOf(SUBSTITUTIONS.pruned(file))
      .get('top')
      ?.filter((v) => v === 0);
    expect(zeros?.length).toBe(50);
  });

  it('change one weight by 5 % each', () => {
    const copies = singleWeightCopies(file, 2).map(weightsOf);
    for (const [i, name] of ['top', 'inner'].entries()) {
      const changed = [...values.keys()].filter((at) => copies[i]?.get(name)?.[at] !== values[at]);
      expect(changed).toHaveLength(1);
      const at = changed[0] ?? 0;
      expect((copies[i]?.get(name)?.[at] ?? 0) / (values[at] ?? 1)).toBeCloseTo(1.05, 5);
    }
  });
});
