import { compileGraph, type Compiled } from '../compile/compile-graph.ts';
import { layoutOf, type Summing } from '../compile/layout.ts';
import { outputChannel, prepare, type Prepared, type PreparedGraph } from '../compile/prepare.ts';
import { scaleGroups, type Sets } from '../compile/groups.ts';
import { ok, type Outcome } from '../../protocol/outcome.ts';
import type { ExactProblem, Graph, ValueId } from '../graph.ts';
import { meansOf, type Recipe } from '../recipe.ts';

/** Mean squares by channel of values of the trained model. */
export type Powers = ReadonlyMap<ValueId, Float64Array>;

const LEAST_BITS = 6;
/** Above this, sums over an image and products with gates come near the bound. */
const MOST_BITS = 13;
const UNSUMMED_BITS = 12;
const ROUNDS = 5;
/** Of a channel's power, the most that is believed to be its mean: recipes have two digits of it, other images another one. */
const MOST_MEAN = 0.98;

const isSumming = (op: Prepared): op is Summing & Prepared =>
  op.kind === 'conv' || op.kind === 'conv-transpose' || op.kind === 'linear';

/**
 * Bits of activations, so that rounding them and rounding the weights that sum them cost the same. The bound on a sum is what
 * both share: a bit more for the activations is one less for the weights, which makes the one error 4 times smaller and the other
 * 4 times larger in power.
 */
export function allocateBits(graph: Graph, recipe: Recipe, powers: Powers): Outcome<Recipe, ExactProblem> {
  const prepared = prepare(graph);
  const groups = scaleGroups(prepared);
  const makers = new Map(prepared.ops.map((op) => [op.output, op]));
  let current = unsummed(prepared, recipe, groups, makers);
  for (let round = 0; round < ROUNDS; round++) {
    const compiled = compileGraph(graph, current, { sha256: recipe.source.sha256, bytes: 0 });
    if (!compiled.ok) return compiled;
    const wanted = new Map<ValueId, number[]>();
    for (const op of prepared.ops) {
      if (!isSumming(op)) continue;
      const steps = imbalance(op, compiled.value, current, powers) / 4;
      if (!Number.isFinite(steps)) continue;
      for (const root of deciding(op.input, makers, groups))
        wanted.set(root, [...(wanted.get(root) ?? []), steps]);
    }
    const next = rebalanced(prepared, current, groups, wanted);
    if (next === null) break;
    current = next;
  }
  return ok(current);
}

/** The recipe with many bits for what no sum reads as it is, such as the inputs of gates: they cost nothing there. */
function unsummed(
  { ops, outputs }: PreparedGraph,
  recipe: Recipe,
  groups: Sets,
  makers: ReadonlyMap<ValueId, Prepared>,
): Recipe {
  const summed = new Set(ops.filter(isSumming).flatMap(({ input }) => [...deciding(input, makers, groups)]));
  // Results have bits of their own.
  for (const { value } of outputs) summed.add(groups.find(value));
  const ranges = Object.fromEntries(
    Object.entries(recipe.ranges).map(([value, range]) => [
      value,
      makers.has(value) && !summed.has(groups.find(value)) ? { ...range, bits: UNSUMMED_BITS } : range,
    ]),
  );
  return { ...recipe, ranges };
}

/** log2 of the noise of rounded weights over that of rounded activations, of all of a sum's channels together. */
function imbalance(op: Summing, { values, report }: Compiled, recipe: Recipe, powers: Powers): number {
  const [input, output] = [values.get(op.input), values.get(op.output)];
  const grids = report.nodes.find(({ node }) => node === op.name)?.grids;
  // Of what rounded weights get wrong, the mean is in the bias.
  const means = meansOf(recipe, op.input);
  const squares = powers
    .get(op.input)
    ?.map((square, c) => square - Math.min((means?.[c] ?? 0) ** 2, MOST_MEAN * square));
  if (input === undefined || output === undefined || grids === undefined || squares === undefined) return NaN;
  const { channels, inputOf } = layoutOf(op);
  const channelOf = outputChannel(op);
  const activations = new Float64Array(channels);
  const weights = new Float64Array(channels);
  for (const [i, weight] of op.weight.data.entries()) {
    const [from, to] = [inputOf(i), channelOf(i)];
    const scale = input.scale[from] ?? 1;
    const step = (2 ** -(grids[to] ?? 0) * (output.scale[to] ?? 1)) / scale;
    activations[to] = (activations[to] ?? 0) + (weight * scale) ** 2;
    weights[to] = (weights[to] ?? 0) + step ** 2 * (squares[from] ?? 0);
  }
  const total = (noise: Float64Array): number => noise.reduce((sum, one) => sum + one, 0);
  return Math.log2(total(weights) / total(activations));
}

/** The groups whose bits decide how finely a value is held: its own, and those of what it was made from without rounding anew. */
function deciding(value: ValueId, makers: ReadonlyMap<ValueId, Prepared>, groups: Sets): Set<ValueId> {
  const roots = new Set([groups.find(value)]);
  const maker = makers.get(value);
  const before =
    maker?.kind === 'add' || maker?.kind === 'concat'
      ? maker.inputs
      : maker?.kind === 'hard-swish' || maker?.kind === 'upsample' || maker?.kind === 'max-pool'
        ? [maker.input]
        : [];
  for (const one of before) for (const root of deciding(one, makers, groups)) roots.add(root);
  return roots;
}

/** The recipe with other bits, or null where none change. */
function rebalanced(
  { ops }: PreparedGraph,
  recipe: Recipe,
  groups: Sets,
  wanted: ReadonlyMap<ValueId, readonly number[]>,
): Recipe | null {
  let changed = false;
  const ranges = { ...recipe.ranges };
  for (const { output } of ops) {
    const range = ranges[output];
    const steps = wanted.get(groups.find(output));
    if (range === undefined || steps === undefined) continue;
    const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
    const before = range.bits ?? recipe.activationBits;
    // Where weights round more finely than activations, the ratio is negative and bits are to be had.
    const bits = Math.min(MOST_BITS, Math.max(LEAST_BITS, before - Math.round(mean)));
    if (bits === before) continue;
    changed = true;
    ranges[output] = { ...range, bits };
  }
  return changed ? { ...recipe, ranges } : null;
}
