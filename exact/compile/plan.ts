import { EXACT_BOUND } from '../format.ts';
import type { ValueId } from '../graph.ts';
import type { Recipe } from '../recipe.ts';
import { isGate, MOVES, readersOf, scaleGroups } from './groups.ts';
import { liftsOf } from './lifts.ts';
import { choosesScale, isPadded, type Prepared, type PreparedGraph } from './prepare.ts';
import { Refusal } from './refusal.ts';
import { channelsOf, mapChannels } from './typed.ts';

/** How a value is to be held where the operation that makes it can choose: real = scale · q, low ≤ q ≤ high, all whole. */
export type Target = {
  /** By channel, or one for all. */
  scale: Float64Array;
  low: number;
  high: number;
  /** By channel, at or below `high`: channels that never come near it leave sums room for finer weights. */
  caps: Float64Array | null;
  /** Nobody else must have the same scale: what is made may choose another one. */
  alone: boolean;
  /** Nobody else but what moves its numbers has the same scale. */
  free: boolean;
  /** Whoever reads it takes an offset of its zero into a bias, so the half of a rounding need not be added. */
  absorbed: boolean;
  /** The model's result: it is not clipped, and only the certificate bounds it. */
  final: boolean;
};

export type Plan = ReadonlyMap<ValueId, Target>;

/** Of results: enough that their rounding is never what decides. */
const FINAL_BITS = 18;
/** Of gates, which are multiplied onto activations. */
const GATE_BITS = 9;

type RealRange = { low: number; high: number; bits: number };

/** Where a value is clipped: the recipe's range within the bounds that the model itself has. */
function rangeOf(op: Prepared, recipe: Recipe): RealRange {
  const known = recipe.ranges[op.output];
  const low = Math.max(op.clamp[0], known?.low ?? -Infinity);
  const high = Math.min(op.clamp[1], known?.high ?? Infinity);
  if (!Number.isFinite(low) || !Number.isFinite(high))
    throw new Refusal('MALFORMED', `${op.name}: the recipe has no range for ${op.output}`);
  return { low: Math.min(low, high), high, bits: known?.bits ?? recipe.activationBits };
}

/** Does q · HardSigmoid(q) stay below the bound, with two units of room for the half and the rounding of what is added? */
const swishFits = (widest: number, scale: number): boolean => widest / scale + 2 < EXACT_BOUND / (6 / scale);

/** Scales, so that additions need nothing before them, hard-swish is exact, and gates land where they are wanted. */
export function makePlan(graph: PreparedGraph, recipe: Recipe): Plan {
  const groups = scaleGroups(graph);
  const readers = readersOf(graph.ops);
  const finals = new Set(graph.outputs.map(({ value }) => value));
  /** Groups that hard-swish reads, and how far the maps after it shift, in units of its input. */
  const swished = new Map<ValueId, number>();
  const members = new Map<ValueId, Prepared[]>();
  for (const op of graph.ops) {
    const root = groups.find(op.output);
    members.set(root, [...(members.get(root) ?? []), op]);
    if (op.kind === 'hard-swish') {
      const { scale, shift } = op.post ?? { scale: 1, shift: 0 };
      const input = groups.find(op.input);
      swished.set(input, Math.max(swished.get(input) ?? 0, Math.abs(shift / scale)));
    }
  }
  const onlySwished = (value: ValueId): boolean => {
    const all = readers.get(value) ?? [];
    return all.length > 0 && all.every(({ kind }) => kind === 'hard-swish');
  };

  const scales = new Map<ValueId, number>();
  for (const [root, ops] of members) {
    let scale = 0;
    for (const op of ops) {
      if (!choosesScale(op) && ops.some(choosesScale)) continue;
      const range = rangeOf(op, recipe);
      // What lies below -3/8 is gone after hard-swish.
      const low = onlySwished(op.output) ? Math.max(range.low, -0.375) : range.low;
      const bits = finals.has(op.output) && !recipe.ranges[op.output]?.bits ? FINAL_BITS : range.bits;
      // Units count from 0.
      const width = Math.max(range.high, 0) - Math.min(low, 0);
      scale = Math.max(scale, width / (2 ** bits - 1));
    }
    // A value that is always 0.
    if (scale === 0) scale = 1;
    if (swished.has(root)) {
      scale = 3 * nearestPower(scale / 3);
      const widest = ops.reduce((most, op) => Math.max(most, rangeOf(op, recipe).high), 3);
      while (!swishFits(recipe.fullSwish ? widest + (swished.get(root) ?? 0) : 2 * widest, scale)) scale *= 2;
    }
    scales.set(root, scale);
  }

  const lifts = liftsOf(graph, recipe, groups);
  const plan = new Map<ValueId, Target>();
  for (const op of graph.ops) {
    const root = groups.find(op.output);
    const scale = scales.get(root) ?? 1;
    const { low, high } = rangeOf(op, recipe);
    const floor = onlySwished(op.output) ? -3 : -Infinity;
    const channels = channelsOf(graph.shapes.get(op.output) ?? []);
    plan.set(op.output, {
      scale: mapChannels(channels, (c) => scale * 2 ** -(lifts.get(root)?.[c] ?? 0)),
      low: Math.round(Math.max(low, floor) / scale),
      high: Math.round(high / scale),
      caps: capsOf(recipe.ranges[op.output], scale),
      alone: members.get(root)?.length === 1,
      free: (members.get(root) ?? []).every((member) => member === op || MOVES.has(member.kind)),
      absorbed: !finals.has(op.output) && (readers.get(op.output) ?? []).every(takesOffset),
      final: finals.has(op.output) && !readers.has(op.output),
    });
  }
  planGates(graph, recipe, plan);
  return plan;
}

/** In units of one scale; a value with a scale for each channel has no need of them. */
const capsOf = (range: Recipe['ranges'][string] | undefined, scale: number): Float64Array | null =>
  range?.caps === undefined || range.channels !== undefined
    ? null
    : Float64Array.from(range.caps, (digit) => Math.ceil((range.high * 2 ** (-Number(digit) / 2)) / scale));

/** Sums without padding, whose bias can hold what an offset of the input adds. */
const takesOffset = (op: Prepared): boolean =>
  op.kind === 'linear' || op.kind === 'conv-transpose' || (op.kind === 'conv' && !isPadded(op));

/** x · gate · 2^-j has the scale that is wanted of the product, for whatever j; it decides the gate's bits. */
function planGates(graph: PreparedGraph, recipe: Recipe, plan: Map<ValueId, Target>): void {
  const makers = new Map(graph.ops.map((op) => [op.output, op]));
  const readers = readersOf(graph.ops);
  for (const op of graph.ops) {
    if (op.kind !== 'mul' || !isGate(op, graph.shapes)) continue;
    const gate = makers.get(op.inputs[1]);
    const [x, y] = [plan.get(op.inputs[0]), plan.get(op.output)];
    if (gate === undefined || x === undefined || y === undefined) continue;
    if (readers.get(gate.output)?.length !== 1 || !choosesScale(gate)) continue;
    const { low, high } = rangeOf(gate, recipe);
    // The same for all channels, since both have the same lifts.
    const ratio = (y.scale[0] ?? 1) / (x.scale[0] ?? 1);
    const scale = ratio * nearestPower((Math.max(high, 0) - Math.min(low, 0)) / (2 ** GATE_BITS - 1) / ratio);
    plan.set(gate.output, {
      scale: Float64Array.of(scale),
      low: Math.round(low / scale),
      high: Math.round(high / scale),
      caps: null,
      alone: true,
      free: true,
      absorbed: false,
      final: false,
    });
  }
}

/** The values whose ranges calibration has to find: those that nothing but data bounds. */
export const calibrated = (graph: PreparedGraph): ValueId[] =>
  graph.ops
    .filter(({ clamp }) => !Number.isFinite(clamp[0]) || !Number.isFinite(clamp[1]))
    .map(({ output }) => output);

/** The power of two next to a positive number, by ratio. */
export function nearestPower(value: number): number {
  let power = 1;
  while (power * Math.SQRT2 < value) power *= 2;
  while (power > value * Math.SQRT2) power /= 2;
  return power;
}
