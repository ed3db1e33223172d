import { EXACT_BOUND } from '../format.ts';
import { Context } from './context.ts';
import { type Form, FORMS } from './forms.ts';
import type { ExactModel } from './model.ts';
import { uncertified } from './problem.ts';
import * as elementwise from './rules/elementwise.ts';
import * as linear from './rules/linear.ts';
import * as shape from './rules/shape.ts';
import { checkChannels, checkSize } from './tensor.ts';
import { plain, type TensorType, typeOf } from './type.ts';

type Rule = (context: Context) => TensorType;

/** Every operator of the dialect. */
const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['Add', elementwise.add],
  ['Cast', shape.cast],
  ['Clip', elementwise.clip],
  ['Concat', shape.concat],
  ['Conv', linear.conv],
  ['ConvTranspose', linear.convTranspose],
  ['Floor', elementwise.floor],
  ['Gather', shape.gather],
  ['HardSigmoid', elementwise.hardSigmoid],
  ['MatMul', linear.matMul],
  ['Max', elementwise.maximum],
  ['MaxPool', shape.maxPool],
  ['Min', elementwise.minimum],
  ['Mul', elementwise.multiply],
  ['ReduceMax', shape.reduceMax],
  ['ReduceSum', linear.reduceSum],
  ['Relu', elementwise.relu],
  ['Reshape', shape.reshape],
  ['Resize', shape.resize],
  ['Slice', shape.slice],
  ['Sub', elementwise.subtract],
  ['Transpose', shape.transpose],
]);

export type Inference = {
  /** By tensor. What stands between a guess and its correction has none. */
  types: ReadonlyMap<string, TensorType>;
  /** By node, in the file's order; a form is one, under its guess. */
  proofs: readonly { name: string; op: string; steps: number; channel: number; macs: number }[];
};

/**
 * The dyadic type of every tensor, and the proof of every node. Throws Problem where there is none. `bound` is 2^24; a control
 * that must fail on hardware takes a larger one.
 */
export function infer(model: ExactModel, bound = EXACT_BOUND): Inference {
  const { input, metadata, constants } = model;
  const types = new Map<string, TensorType>();
  const { low, high } = metadata.input;
  const axis = input.shape.length === 4 ? 1 : input.shape.length - 1;
  checkSize(input.shape, input.name);
  checkChannels(input.shape[axis] ?? 1, input.name);
  const pixels = Array.from({ length: input.shape[axis] ?? 1 }, () => plain(low, high, 0));
  types.set(input.name, typeOf(input.shape, axis, pixels));

  const proofs: Inference['proofs'][number][] = [];
  const forms: Form[] = [];
  const record = ({ node, worst, macs }: Context): void => {
    proofs.push({ name: node.name, op: node.op, ...worst, macs });
  };
  for (const node of model.nodes) {
    const done = forms.find(({ result }) => result === node.output);
    if (done !== undefined) {
      types.set(node.output, done.type);
      continue;
    }
    if (forms.some(({ interior }) => interior.has(node.output))) continue;
    const context = new Context(node, types, constants, bound);
    const form = FORMS.get(node.op)?.(context, model);
    if (form !== undefined) {
      forms.push(form);
      record(context);
      continue;
    }
    const rule = RULES.get(node.op);
    if (rule === undefined) throw context.refuse('the operator is not in the dialect');
    const type = rule(context);
    context.finish();
    checkSize(type.shape, node.name);
    types.set(node.output, type);
    record(context);
  }
  for (const output of model.outputs) {
    const type = types.get(output.name);
    if (type?.dtype !== 'i32') throw uncertified(`output ${output.name} is no int32 of a certified value`);
    const declared = output.shape;
    if (
      declared !== null &&
      (declared.length !== type.shape.length ||
        declared.some((size, at) => size !== null && (at === 0 || size !== type.shape[at])))
    )
      throw uncertified(
        `output ${output.name} is declared as [${declared.map((size) => size ?? '?').join(', ')}]`,
      );
  }
  return { types, proofs };
}
