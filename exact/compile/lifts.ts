import { inputsOf, type OpKind, type ValueId } from '../graph.ts';
import type { Recipe } from '../recipe.ts';
import { isGate, scaleGroups, Sets } from './groups.ts';
import { choosesScale, type Prepared, type PreparedGraph } from './prepare.ts';
import { channelsOf } from './typed.ts';

/** Operations that see one channel at a time, or can weigh each by itself. */
const BY_CHANNEL: ReadonlySet<OpKind> = new Set([
  'conv',
  'conv-transpose',
  'linear',
  'add',
  'mul',
  'affine',
  'global-average',
  'max-pool',
  'upsample',
]);

/** Makers of the values that may have an exponent for each channel, in sets that must have the same ones. */
function liftableSets(graph: PreparedGraph, groups: Sets): Prepared[][] {
  const tied = new Sets();
  const groupOf = (value: ValueId): ValueId => tied.find(groups.find(value));
  // A gate has one scale, so its product has the exponents of what it is multiplied onto.
  for (const op of graph.ops)
    if (op.kind === 'mul' && isGate(op, graph.shapes))
      tied.unite(groups.find(op.inputs[0]), groups.find(op.output));
  const values = new Map<ValueId, Prepared[]>();
  const none = new Set<ValueId>([graph.input, ...graph.outputs.map(({ value }) => value)].map(groupOf));
  const bar = (list: readonly ValueId[]): void => list.forEach((value) => none.add(groupOf(value)));
  for (const op of graph.ops) {
    const root = groupOf(op.output);
    values.set(root, [...(values.get(root) ?? []), op]);
    if (!BY_CHANNEL.has(op.kind) && op.kind !== 'concat') bar([...inputsOf(op), op.output]);
    if (op.kind === 'mul') bar(isGate(op, graph.shapes) ? [op.inputs[1]] : [...op.inputs, op.output]);
    // An upper bound is the same real number for all channels.
    if (op.clamp[1] !== Infinity) bar([op.output]);
  }
  return [...values].filter(([root]) => !none.has(root)).map(([, ops]) => ops);
}

/** The values for which a recipe may tell what each channel needs. */
export const liftable = (graph: PreparedGraph): ReadonlySet<ValueId> =>
  new Set(liftableSets(graph, scaleGroups(graph)).flatMap((ops) => ops.map(({ output }) => output)));

/**
 * Quiet channels are held on a finer grid: a group of values may have, beside its scale, an exponent for each channel, which the
 * weights before and after take in at no cost. Only where everything that touches the group works by channel: hard-swish has one
 * constant for the whole tensor, and what moves elements between channels needs one scale. By root of the group.
 */
export function liftsOf(
  graph: PreparedGraph,
  { ranges }: Recipe,
  groups: Sets,
): ReadonlyMap<ValueId, readonly number[]> {
  const lifts = new Map<ValueId, readonly number[]>();
  for (const set of liftableSets(graph, groups)) {
    const channels = channelsOf(graph.shapes.get(set[0]?.output ?? '') ?? []);
    const least = Array.from({ length: channels }, () => Infinity);
    for (const root of new Set(set.map(({ output }) => groups.find(output)))) {
      const members = set.filter(({ output }) => groups.find(output) === root);
      const deciding = members.some(choosesScale) ? members.filter(choosesScale) : members;
      const widths = deciding.flatMap(({ output }) => {
        const range = ranges[output];
        return range === undefined ? [] : [{ width: range.high - range.low, digits: range.channels ?? '' }];
      });
      const whole = widths.reduce((most, { width }) => Math.max(most, width), 0);
      for (let c = 0; c < channels; c++) {
        const widest = widths.reduce(
          (most, { width, digits }) => Math.max(most, width * 2 ** -Number(digits[c] ?? 0)),
          0,
        );
        const lift = halvings(whole, widest);
        least[c] = Math.min(least[c] ?? 0, lift);
      }
    }
    for (const { output } of set) lifts.set(groups.find(output), least);
  }
  return lifts;
}

/** How often `whole` can be halved and still be at least `part`; 0 for nothing to hold. */
function halvings(whole: number, part: number): number {
  if (part === 0) return 0;
  let count = 0;
  for (let rest = whole / 2; rest >= part; rest /= 2) count++;
  return count;
}
