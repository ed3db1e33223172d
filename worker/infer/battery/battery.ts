import { fail, ok, type Outcome } from '../../../protocol/outcome.ts';
import { float32Tensor, type Tensor } from '../../../protocol/tensor.ts';
import { elementsOf, type Signature } from '../tensors.ts';
import {
  CHANNELS,
  COLUMNS,
  DEPTH,
  inputsFor,
  layersOf,
  outputsOf,
  ROWS,
  SIDE,
  type Layer,
} from './layers.ts';
import { onnxFile, type NodeSpec } from './onnx-file.ts';

/** Any numbers would do. */
const [WEIGHT_SEED, INPUT_SEED] = [24, 42];

/** A model to be run once on a provider, before it may run exact ones. */
export type Battery = {
  file: Uint8Array<ArrayBuffer>;
  inputs: Tensor[];
  outputs: Signature[];
  /** Whether the provider adds whole numbers below 2^24 without rounding, judged by what it gave for `inputs`. */
  check: (outputs: readonly Tensor[]) => Outcome<void, 'KNOWN_ANSWER'>;
};

/**
 * What a provider must show before it runs models whose every value is a whole number below 2^24: convolutions and a matrix product
 * at the very edge of that bound, with operands of twelve bits, must come out to the last bit; kernels that round operands (f16,
 * bf16, TF32) or take another way (Winograd) do not pass. Two layers far beyond the bound must not come out: where f32 has to
 * round, a right answer means that this is no test of f32.
 */
export function makeBattery(): Battery {
  const layers = layersOf(WEIGHT_SEED);
  const inputs = inputsFor(INPUT_SEED, layers);
  const outputs = layers.map(signatureOf);
  const shapes = {
    image: [1, CHANNELS, SIDE, SIDE],
    rows: [ROWS, DEPTH],
  };
  const file = onnxFile({
    inputs: [
      { name: 'image', dims: shapes.image },
      { name: 'rows', dims: shapes.rows },
    ],
    weights: layers.flatMap(weightsOf),
    nodes: layers.flatMap(nodesOf),
    outputs,
  });
  return {
    file,
    inputs: [
      float32Tensor('image', shapes.image, Float32Array.from(inputs.image)),
      float32Tensor('rows', shapes.rows, Float32Array.from(inputs.rows)),
    ],
    outputs,
    check(given) {
      for (const [i, layer] of layers.entries()) {
        const tensor = given[i];
        if (tensor === undefined) return fail('KNOWN_ANSWER', `the battery gave no ${layer.name}`);
        const found = elementsOf(tensor);
        const wrong = outputsOf(layer, inputs).reduce(
          (sum, value, at) => sum + (Number(found[at]) === value ? 0 : 1),
          0,
        );
        if (layer.beyond && wrong === 0)
          return fail(
            'KNOWN_ANSWER',
            `${layer.name} is exact where 32-bit floats cannot be: it is not computed in them`,
          );
        if (!layer.beyond && wrong > 0)
          return fail(
            'KNOWN_ANSWER',
            `${layer.name} rounds where 32-bit floats are exact: ${wrong} of ${found.length} numbers are wrong`,
          );
      }
      return ok(undefined);
    },
  };
}

const signatureOf = ({ kind, name }: Layer): Signature => ({
  name,
  dtype: 'int32',
  dims: kind === 'matmul' ? [ROWS, COLUMNS] : [1, CHANNELS, SIDE, SIDE],
});

function weightsOf(layer: Layer) {
  const { name, sums } = layer;
  const bias = { name: `${name}.bias`, dims: [sums.length], values: sums.map((sum) => sum.bias) };
  if (layer.kind === 'conv') {
    const dims = [CHANNELS, layer.depthwise ? 1 : CHANNELS, layer.kernel, layer.kernel];
    return [{ name: `${name}.weight`, dims, values: sums.flatMap(({ weights }) => [...weights]) }, bias];
  }
  // A column for each sum.
  const values = Array.from({ length: DEPTH }, (_, i) => sums.map(({ weights }) => weights[i] ?? 0)).flat();
  return [{ name: `${name}.weight`, dims: [DEPTH, COLUMNS], values }, bias];
}

function nodesOf(layer: Layer): NodeSpec[] {
  const { name } = layer;
  const [weight, bias] = [`${name}.weight`, `${name}.bias`];
  const cast = { operator: 'Cast', inputs: [`${name}.sum`], output: name, attributes: { to: 6 } };
  if (layer.kind === 'conv') {
    const pad = layer.kernel >> 1;
    const attributes = {
      group: layer.depthwise ? CHANNELS : 1,
      kernel_shape: [layer.kernel, layer.kernel],
      pads: [pad, pad, pad, pad],
    };
    return [{ operator: 'Conv', inputs: ['image', weight, bias], output: `${name}.sum`, attributes }, cast];
  }
  return [
    { operator: 'MatMul', inputs: ['rows', weight], output: `${name}.product` },
    { operator: 'Add', inputs: [`${name}.product`, bias], output: `${name}.sum` },
    cast,
  ];
}
