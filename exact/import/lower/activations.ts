import type { Use } from '../use.ts';

/** Exporters write the largest float for "no bound". */
const NO_BOUND = 3.4e38;
const bound = (value: number): number => (Math.abs(value) >= NO_BOUND ? Math.sign(value) * Infinity : value);

function clipTo(use: Use, index: number, low: number, high: number): void {
  const { id, shape, batch } = use.activation(index);
  if (!(low <= high)) throw use.refuse(`bounds ${low} and ${high}`);
  if (low === -Infinity && high === Infinity) return use.give({ activation: { id, shape, batch } });
  use.emit({ kind: 'clip', input: id, low, high }, shape, { batch });
}

export const relu = (use: Use): void => clipTo(use, 0, 0, Infinity);

/** One number that is an attribute in older opsets and an input in newer ones. */
function scalar(use: Use, name: string, index: number, fallback: number): number {
  const tensor = use.optionalConstant(index);
  if (tensor === undefined) return use.number(name, fallback);
  const [value] = tensor.data;
  if (value === undefined || tensor.data.length > 1) throw use.refuse(`${name} is not one number`);
  return value;
}

/** ONNX Clip-6 to -13. */
export function clip(use: Use): void {
  const low = bound(scalar(use, 'min', 1, -Infinity));
  clipTo(use, 0, low, bound(scalar(use, 'max', 2, Infinity)));
}

/** ONNX Min and Max of an activation and one number. */
export function limit(use: Use, side: 'low' | 'high'): void {
  const first = 'activation' in use.value(0) ? 0 : 1;
  const { data } = use.constant(1 - first);
  const [value] = data;
  if (use.inputCount !== 2 || value === undefined || data.length > 1)
    throw use.refuse('known of an activation and one number');
  clipTo(use, first, side === 'low' ? value : -Infinity, side === 'high' ? value : Infinity);
}

/** ONNX HardSigmoid-6. */
export function hardSigmoid(use: Use): void {
  const { id, shape, batch } = use.activation(0);
  const [alpha, beta] = [use.number('alpha', 0.2), use.number('beta', 0.5)];
  use.emit({ kind: 'hard-sigmoid', input: id, alpha, beta }, shape, { batch });
}

/** Operators of one input and no attributes. */
export function plainActivation(use: Use, kind: 'hard-swish' | 'sigmoid'): void {
  const { id, shape, batch } = use.activation(0);
  use.emit({ kind, input: id }, shape, { batch });
}

/** ONNX Softmax-1, -11 (over all axes from `axis` together) and -13 (over one axis). */
export function softmax(use: Use): void {
  const input = use.activation(0);
  const { id, shape, batch } = input;
  const together = use.opset < 13;
  const wanted = use.number('axis', together ? 1 : -1);
  const axis = use.graphAxis(input, wanted);
  const trailing = shape.slice(axis + 1).some((size) => size !== 1);
  if (together && (trailing || batch !== 0)) throw use.refuse('over several axes together is not known');
  use.emit({ kind: 'softmax', input: id, axis }, shape, { batch });
}
