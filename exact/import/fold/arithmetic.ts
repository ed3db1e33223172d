import { broadcastShape, broadcastStrides, elements, type Tensor, walk } from '../tensor.ts';
import type { Use } from '../use.ts';

type Two = (a: number, b: number) => number;

/** Element by element with broadcasting. In float64, also where the file's own runtime would round to f32. */
function binary(use: Use, compute: Two, type?: Tensor['type']): Tensor {
  const a = use.constant(0);
  const b = use.constant(1);
  const shape = broadcastShape(a.shape, b.shape);
  if (shape === null)
    throw use.refuse(`[${a.shape.join(', ')}] and [${b.shape.join(', ')}] do not broadcast`);
  const data = new Float64Array(elements(shape, use.node.name));
  const right = walk(shape, broadcastStrides(b.shape, shape));
  let index = 0;
  for (const left of walk(shape, broadcastStrides(a.shape, shape)))
    data[index++] = compute(a.data[left] ?? 0, b.data[right.next().value ?? 0] ?? 0);
  return { type: type ?? a.type, shape, data };
}

function unary(use: Use, compute: (value: number) => number): Tensor {
  const { type, shape, data } = use.constant(0);
  return { type, shape, data: data.map(compute) };
}

/** Whole numbers divide towards zero; nothing divides them by zero. */
function divide(use: Use): Tensor {
  const whole = use.constant(0).type === 'int';
  if (whole && use.constant(1).data.includes(0)) throw use.refuse('a whole number is divided by zero');
  return binary(use, whole ? (a, b) => Math.trunc(a / b) : (a, b) => a / b);
}

/** Condition, then, otherwise. */
function where(use: Use): Tensor {
  const [condition, yes, no] = [use.constant(0), use.constant(1), use.constant(2)];
  const inner = broadcastShape(yes.shape, no.shape);
  const shape = inner && broadcastShape(condition.shape, inner);
  if (shape === null) throw use.refuse('its inputs do not broadcast');
  const data = new Float64Array(elements(shape, use.node.name));
  const [ifs, thens, elses] = [condition, yes, no].map((tensor) =>
    walk(shape, broadcastStrides(tensor.shape, shape)),
  );
  for (let index = 0; index < data.length; index++) {
    const chosen = condition.data[ifs?.next().value ?? 0] ? 'yes' : 'no';
    const [left, right] = [thens?.next().value ?? 0, elses?.next().value ?? 0];
    data[index] = (chosen === 'yes' ? yes.data[left] : no.data[right]) ?? 0;
  }
  return { type: yes.type, shape, data };
}

/** Operators on constants that compute. */
export const ARITHMETIC: Readonly<Record<string, (use: Use) => Tensor>> = {
  Add: (use) => binary(use, (a, b) => a + b),
  Sub: (use) => binary(use, (a, b) => a - b),
  Mul: (use) => binary(use, (a, b) => a * b),
  Div: divide,
  Pow: (use) => binary(use, Math.pow),
  Min: (use) => binary(use, Math.min),
  Max: (use) => binary(use, Math.max),
  Equal: (use) => binary(use, (a, b) => Number(a === b), 'int'),
  Less: (use) => binary(use, (a, b) => Number(a < b), 'int'),
  Greater: (use) => binary(use, (a, b) => Number(a > b), 'int'),
  Not: (use) => unary(use, (a) => Number(a === 0)),
  Neg: (use) => unary(use, (a) => -a),
  Abs: (use) => unary(use, Math.abs),
  Sqrt: (use) => unary(use, Math.sqrt),
  Exp: (use) => unary(use, Math.exp),
  Reciprocal: (use) => unary(use, (a) => 1 / a),
  Floor: (use) => unary(use, Math.floor),
  Ceil: (use) => unary(use, Math.ceil),
  Where: where,
};
