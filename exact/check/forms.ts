import { GUESS_ERROR_BITS } from '../format.ts';
import type { Context } from './context.ts';
import type { ExactModel, Node } from './model.ts';
import { plain, type Range, rangesOf, type TensorType, typeOf, whole } from './type.ts';

/**
 * Division and square root. Backends differ in the last bits of Div and Sqrt, so their results have no dyadic type: they are
 * guesses, and all that may be done with a guess is to correct it, by the steps that exact/forms/ writes. What stands between
 * guess and result gets no type either, so that nothing else can use it. The proofs are in docs/exact.md.
 */

/** Finds a node by what it computes. Throws Problem where the guess is not corrected as it must be. */
class Steps {
  readonly interior = new Set<string>();
  readonly #context: Context;
  readonly #model: ExactModel;

  constructor(context: Context, model: ExactModel) {
    this.#context = context;
    this.#model = model;
    this.interior.add(context.node.output);
  }

  #matches(node: Node, op: string, inputs: readonly (string | number)[]): boolean {
    return (
      node.op === op &&
      node.attributes.size === 0 &&
      node.inputs.length === inputs.length &&
      inputs.every((input, index) => {
        const name = node.inputs[index] ?? '';
        return typeof input === 'string' ? name === input : this.#scalar(name) === input;
      })
    );
  }

  #scalar(name: string): number | null {
    const tensor = this.#model.constants.get(name);
    return tensor?.dtype === 'f32' && tensor.shape.length === 0 ? (tensor.data[0] ?? null) : null;
  }

  /** The output of the one node with this operator and these inputs: names, or the values of scalar constants. */
  next(op: string, ...inputs: (string | number)[]): string {
    const node = this.#model.nodes.find((candidate) => this.#matches(candidate, op, inputs));
    if (node === undefined)
      throw this.#context.refuse(`a guess without its correction: no ${op}(${inputs.join(', ')})`);
    this.interior.add(node.output);
    return node.output;
  }

  /** The bounds of the Clip that follows `input`. */
  clip(input: string): { output: string; least: number; most: number } {
    const node = this.#model.nodes.find(({ op, inputs }) => op === 'Clip' && inputs[0] === input);
    const least = this.#scalar(node?.inputs[1] ?? '');
    const most = this.#scalar(node?.inputs[2] ?? '');
    if (least === null || most === null) throw this.#context.refuse('a guess without bounds');
    return { output: this.next('Clip', input, least, most), least, most };
  }
}

/** What a form proves: the type of `result`; none for `interior`. */
export type Form = { result: string; type: TensorType; interior: ReadonlySet<string>; context: Context };

const whole0 = ({ fraction }: Range): boolean => fraction <= 0;

/** clip(floor(n / d), L, H) for whole n and d, d at least 1. */
function quotient(context: Context, model: ExactModel): Form {
  context.arity(2);
  context.finish();
  const n = context.activation(0);
  const d = context.operand(1, n);
  if (d.shape.length !== n.shape.length || d.shape.some((size, axis) => size !== 1 && size !== n.shape[axis]))
    throw context.refuse(`[${n.shape.join(', ')}] / [${d.shape.join(', ')}]`);
  const divisor = whole(d);
  if (!rangesOf(n).every(whole0) || !whole0(divisor) || divisor.low < 1)
    throw context.refuse('whole numbers, by at least 1, are expected');
  const [numerator = '', denominator = ''] = context.node.inputs;

  const steps = new Steps(context, model);
  const { output: clipped, least, most } = steps.clip(context.node.output);
  const reach = 2 ** (GUESS_ERROR_BITS - 1);
  if (
    ![least, most].every((bound) => Number.isInteger(bound) && Math.abs(bound) < reach) ||
    least > 0 ||
    most < 0
  )
    throw context.refuse(`a quotient of ${least} to ${most}: 0 within, below ${reach} is expected`);
  const guess = steps.next('Floor', clipped);
  const part = steps.next('Mul', guess, denominator);
  const remainder = steps.next('Sub', numerator, part);
  const excess = steps.next('Sub', remainder, denominator);
  const up = steps.next('Clip', excess, -1, 0);
  const down = steps.next('Clip', remainder, -1, 0);
  const correction = steps.next('Add', up, down);
  const corrected = steps.next('Add', guess, correction);
  const shifted = steps.next('Add', corrected, 1);
  const result = steps.next('Clip', shifted, least, most);
  steps.interior.delete(result);

  // The guess is at most 1 from floor(n / d), or the bounds moved it towards 0: so q·d ends between n − 2d and n + d, or 0. The
  // remainder less the divisor, n − q·d − d, is the widest sum.
  const widest = divisor.positive;
  const sums = rangesOf(n).map(({ low, high, positive, negative }) => {
    const partLow = Math.max(Math.min(0, low - 2 * widest), least * widest);
    const partHigh = Math.min(Math.max(0, high + widest), most * widest);
    return {
      low: partLow,
      high: partHigh,
      fraction: 0,
      positive: positive - partLow,
      negative: negative - partHigh - widest,
    };
  });
  context.certify(sums);
  const clamp = (value: number): number => Math.min(most, Math.max(least, Math.floor(value)));
  const ranges = rangesOf(n).map(({ low, high }) =>
    plain(
      clamp(low / (low < 0 ? divisor.low : divisor.high)),
      clamp(high / (high < 0 ? divisor.high : divisor.low)),
      0,
    ),
  );
  return { result, type: typeOf(n.shape, n.axis, ranges), interior: steps.interior, context };
}

/** floor(√v) for whole v of at least 1. */
function root(context: Context, model: ExactModel): Form {
  context.arity(1);
  context.finish();
  const v = context.activation(0);
  const steps = new Steps(context, model);
  const [square = ''] = context.node.inputs;
  const guess = steps.next('Floor', context.node.output);
  const part = steps.next('Mul', guess, guess);
  const remainder = steps.next('Sub', square, part);
  const twice = steps.next('Add', guess, guess);
  const excess = steps.next('Sub', remainder, twice);
  const up = steps.next('Clip', excess, 0, 1);
  const down = steps.next('Clip', remainder, -1, 0);
  const correction = steps.next('Add', up, down);
  const result = steps.next('Add', guess, correction);
  steps.interior.delete(result);

  const sums = rangesOf(v).map((range) => {
    if (!whole0(range) || range.low < 1) throw context.refuse('whole numbers of at least 1 are expected');
    const most = floorRoot(range.high) + 1;
    return { ...range, fraction: 0, negative: range.negative - most * most - 2 * most };
  });
  context.certify(sums);
  const ranges = rangesOf(v).map(({ low, high }) => plain(floorRoot(low), floorRoot(high), 0));
  return { result, type: typeOf(v.shape, v.axis, ranges), interior: steps.interior, context };
}

/** IEEE's square root is rounded correctly, which below 2^52 keeps the floor exact; the loops make sure. */
function floorRoot(value: number): number {
  let guess = Math.floor(Math.sqrt(value));
  while (guess * guess > value) guess--;
  while ((guess + 1) ** 2 <= value) guess++;
  return guess;
}

/** By the operator that makes the guess. */
export const FORMS: ReadonlyMap<string, (context: Context, model: ExactModel) => Form> = new Map([
  ['Div', quotient],
  ['Sqrt', root],
]);
