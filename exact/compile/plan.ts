import { inputsOf, type OpKind, type ValueId } from '../graph.ts';
import type { Recipe } from '../recipe.ts';
import type { Prepared, PreparedGraph } from './prepare.ts';
import { Refusal } from './refusal.ts';

/** How a value is to be held where the operation that makes it can choose: real = scale · q, low ≤ q ≤ high, all whole. */
export type Target = {
  scale: number;
  low: number;
  high: number;
  /** Nobody else must have the same scale: what is made may choose another one. */
  alone: boolean;
  /** The model's result: it is not clipped, and only the certificate bounds it. */
  final: boolean;
};

export type Plan = ReadonlyMap<ValueId, Target>;

/** Of results: enough that their rounding is never what decides. */
const FINAL_BITS = 18;
/** Of gates, which are multiplied onto activations, and of means, which are small tensors. */
const GATE_BITS = 9;
export const MEAN_EXTRA_BITS = 3;

/** Sets of values that share a scale. */
class Groups {
  readonly #parent = new Map<ValueId, ValueId>();

  find(value: ValueId): ValueId {
    let root = value;
    for (let up = this.#parent.get(root); up !== undefined; up = this.#parent.get(root)) root = up;
    return root;
  }

  unite(a: ValueId, b: ValueId): void {
    const [left, right] = [this.find(a), this.find(b)];
    if (left !== right) this.#parent.set(right, left);
  }
}

/** Operations that take every channel with a scale of its own, at no cost. */
const takesAnyScale = (op: Prepared): boolean =>
  ['conv', 'conv-transpose', 'linear', 'global-average', 'max-pool', 'upsample'].includes(op.kind);

/** Is `inputs[1]` of a Mul one number for each channel of `inputs[0]`? */
export const isGate = (op: Extract<Prepared, { kind: 'mul' }>, shapes: PreparedGraph['shapes']): boolean => {
  const gate = shapes.get(op.inputs[1]) ?? [];
  return gate.length === 4 && gate[2] === 1 && gate[3] === 1;
};

/** Scales, so that additions need nothing before them, hard-swish is exact, and gates land where they are wanted. */
export function makePlan(graph: PreparedGraph, recipe: Recipe): Plan {
  const groups = new Groups();
  const readers = new Map<ValueId, Prepared[]>();
  for (const op of graph.ops)
    for (const input of inputsOf(op)) readers.set(input, [...(readers.get(input) ?? []), op]);
  for (const op of graph.ops) for (const value of sharing(op, readers)) groups.unite(op.output, value);

  const makers = new Map(graph.ops.map((op) => [op.output, op]));
  const rangeOf = (op: Prepared): { low: number; high: number; bits: number } => {
    const known = recipe.ranges[op.output];
    const low = Math.max(op.clamp[0], known?.low ?? -Infinity);
    const high = Math.min(op.clamp[1], known?.high ?? Infinity);
    if (!Number.isFinite(low) || !Number.isFinite(high))
      throw new Refusal('MALFORMED', `${op.name}: the recipe has no range for ${op.output}`);
    return { low: Math.min(low, 0), high: Math.max(high, 0), bits: known?.bits ?? recipe.activationBits };
  };

  const swished = new Map<ValueId, boolean>();
  const members = new Map<ValueId, Prepared[]>();
  for (const op of graph.ops) {
    const root = groups.find(op.output);
    members.set(root, [...(members.get(root) ?? []), op]);
    if (op.kind === 'hard-swish') swished.set(groups.find(op.input), true);
  }
  const onlySwished = (value: ValueId): boolean =>
    (readers.get(value) ?? []).length > 0 &&
    (readers.get(value) ?? []).every(({ kind }) => kind === 'hard-swish');
  const finals = new Set(graph.outputs.map(({ value }) => value));

  const scales = new Map<ValueId, number>();
  for (const [root, ops] of members) {
    let scale = 0;
    for (const op of ops) {
      if (!choosesScale(op) && ops.some(choosesScale)) continue;
      const range = rangeOf(op);
      // What lies below -3/8 is gone after hard-swish.
      const low = onlySwished(op.output) ? Math.max(range.low, -0.375) : range.low;
      const bits = finals.has(op.output) && !recipe.ranges[op.output]?.bits ? FINAL_BITS : range.bits;
      scale = Math.max(scale, (range.high - low) / (2 ** bits - 1));
    }
    // A value that is always 0.
    if (scale === 0) scale = 1;
    scales.set(root, swished.has(root) ? 3 * nearestPower(scale / 3) : scale);
  }

  const plan = new Map<ValueId, Target>();
  for (const op of graph.ops) {
    const root = groups.find(op.output);
    const scale = scales.get(root) ?? 1;
    const { low, high } = rangeOf(op);
    const floor = onlySwished(op.output) ? -3 : -Infinity;
    plan.set(op.output, {
      scale,
      low: Math.round(Math.max(low, floor) / scale),
      high: Math.round(high / scale),
      alone: members.get(root)?.length === 1,
      final: finals.has(op.output) && !readers.has(op.output),
    });
  }
  for (const op of graph.ops) {
    if (op.kind !== 'mul' || !isGate(op, graph.shapes)) continue;
    const gate = makers.get(op.inputs[1]);
    const [x, y] = [plan.get(op.inputs[0]), plan.get(op.output)];
    if (gate === undefined || x === undefined || y === undefined) continue;
    if (readers.get(gate.output)?.length !== 1 || !choosesScale(gate)) continue;
    // x · gate · 2^-j has the scale that is wanted of the product, for whatever j; it decides the gate's bits.
    const { low, high } = rangeOf(gate);
    const wanted = (high - low) / (2 ** GATE_BITS - 1);
    const scale = (y.scale / x.scale) * nearestPower((wanted * x.scale) / y.scale);
    plan.set(gate.output, {
      scale,
      low: Math.round(low / scale),
      high: Math.round(high / scale),
      alone: true,
      final: false,
    });
  }
  return plan;
}

/** The values whose ranges calibration has to find: those that nothing but data bounds. */
export const calibrated = (graph: PreparedGraph): ValueId[] =>
  graph.ops
    .filter(({ clamp }) => !Number.isFinite(clamp[0]) || !Number.isFinite(clamp[1]))
    .map(({ output }) => output);

/** Does the operation round its result to whatever grid is wanted? */
const choosesScale = (op: Prepared): boolean =>
  ['conv', 'conv-transpose', 'linear', 'matmul', 'affine'].includes(op.kind);

/** Operations that leave the numbers as they are. */
const MOVES: ReadonlySet<OpKind> = new Set(['clip', 'max-pool', 'upsample', 'reshape', 'transpose', 'slice']);

/** The values that must have the scale of the operation's result. */
function sharing(op: Prepared, readers: ReadonlyMap<ValueId, readonly Prepared[]>): readonly ValueId[] {
  if (op.kind === 'add') return op.inputs;
  if (op.kind === 'concat') return (readers.get(op.output) ?? []).every(takesAnyScale) ? [] : op.inputs;
  if (op.kind === 'hard-swish') return op.post === undefined ? [op.input] : [];
  return 'input' in op && MOVES.has(op.kind) ? [op.input] : [];
}

/** The power of two next to a positive number, by ratio. */
export function nearestPower(value: number): number {
  let power = 1;
  while (power * Math.SQRT2 < value) power *= 2;
  while (power > value * Math.SQRT2) power /= 2;
  return power;
}
