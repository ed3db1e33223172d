import { onnx } from '../../onnx.ts';
import type { Use } from '../use.ts';
import { clip, hardSigmoid, limit, plainActivation, relu, softmax } from './activations.ts';
import { conv, convTranspose } from './convolution.ts';
import { add, divide, multiply, negate, pow, sqrt, subtract } from './elementwise.ts';
import {
  concat,
  flatten,
  gather,
  pad,
  reshape,
  slice,
  split,
  squeeze,
  transpose,
  unsqueeze,
} from './layout.ts';
import { gemm, matMul } from './linear.ts';
import { batchNormalization, layerNormalization } from './normalisation.ts';
import { averagePool, globalAveragePool, maxPool, reduceMean } from './pooling.ts';
import { resize } from './resize.ts';

/** What changes nothing when a trained model runs; `ratio` and the like are for training. */
function pass(use: Use): void {
  use.ignore('ratio', 'seed', 'is_test');
  use.optionalConstant(1);
  if (use.optionalConstant(2)?.data.some((training) => training !== 0))
    throw use.refuse('training_mode is not known');
  use.give(use.value(0));
}

/** To f32, which activations are already. */
function castToFloat(use: Use): void {
  use.ignore('saturate');
  use.expect('to', onnx.TensorProto.DataType.FLOAT);
  use.give({ activation: use.activation(0) });
}

/** Every operator that computes with the input and is known. */
export const OPERATORS: ReadonlyMap<string, (use: Use) => void> = new Map([
  ['Add', add],
  ['AveragePool', averagePool],
  ['BatchNormalization', batchNormalization],
  ['Cast', castToFloat],
  ['Clip', clip],
  ['Concat', concat],
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['Div', divide],
  ['Dropout', pass],
  ['Flatten', flatten],
  ['Gather', gather],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalAveragePool],
  ['HardSigmoid', hardSigmoid],
  ['HardSwish', (use: Use) => plainActivation(use, 'hard-swish')],
  ['Identity', pass],
  ['LayerNormalization', layerNormalization],
  ['MatMul', matMul],
  ['Max', (use: Use) => limit(use, 'low')],
  ['MaxPool', maxPool],
  ['Min', (use: Use) => limit(use, 'high')],
  ['Mul', multiply],
  ['Neg', negate],
  ['Pad', pad],
  ['Pow', pow],
  ['ReduceMean', reduceMean],
  ['Relu', relu],
  ['Reshape', reshape],
  ['Resize', resize],
  ['Sigmoid', (use: Use) => plainActivation(use, 'sigmoid')],
  ['Slice', slice],
  ['Softmax', softmax],
  ['Split', split],
  ['Sqrt', sqrt],
  ['Squeeze', squeeze],
  ['Sub', subtract],
  ['Sum', add],
  ['Transpose', transpose],
  ['Unsqueeze', unsqueeze],
  ['Upsample', resize],
]);
