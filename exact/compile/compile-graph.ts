import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { EXACT_BOUND, METADATA } from '../format.ts';
import type { ExactProblem, Graph, ValueId } from '../graph.ts';
import { meansOf, type Recipe } from '../recipe.ts';
import { Builder } from './builder.ts';
import type { Context, NodeNote } from './context.ts';
import { emit } from './emit.ts';
import { readersOf } from './groups.ts';
import { makePlan } from './plan.ts';
import { prepare, type PreparedGraph } from './prepare.ts';
import { Refusal } from './refusal.ts';
import { requantise, withZero } from './requantise.ts';
import { ENOUGH_BITS } from './split.ts';
import { at, channelsOf, mapChannels, uniform, type Typed } from './typed.ts';

export type CompileReport = {
  input: readonly number[];
  macs: number;
  bytes: { source: number; compiled: number };
  /** What sums products, in order. */
  nodes: readonly NodeNote[];
  /** Of the narrowest channel: bits that the bound leaves unused. */
  leastSlackBits: number;
  values: readonly { value: string; scale: number; low: number; high: number }[];
};

export type Compiled = {
  file: Uint8Array;
  report: CompileReport;
  /** What stands for each value of the trained model. */
  values: ReadonlyMap<ValueId, Typed>;
  /** Of these, what only hard-swish reads, which may be clipped at -3. */
  swished: ReadonlySet<ValueId>;
};

export type CompileOptions = {
  /** Stores weights that f16 holds as f16. What is computed is the same. */
  f16Weights?: boolean;
  /** For controls alone: lets sums with constant weights come up to here, in place of 2^24. What is compiled so is not exact. */
  sumBound?: number;
};

/** Compiles a typed graph; `source` says which file it was read from. */
export function compileGraph(
  graph: Graph,
  recipe: Recipe,
  source: { sha256: string; bytes: number },
  options: CompileOptions = {},
): Outcome<Compiled, ExactProblem> {
  try {
    return ok(write(prepare(graph), recipe, source, options));
  } catch (error) {
    if (error instanceof Refusal) return fail(error.code, error.message);
    throw error;
  }
}

function write(
  graph: PreparedGraph,
  recipe: Recipe,
  source: { sha256: string; bytes: number },
  options: CompileOptions,
): Compiled {
  const builder = new Builder(options);
  const context: Context = {
    builder,
    plan: makePlan(graph, recipe),
    values: new Map(),
    notes: [],
    weightBits: recipe.weightBits ?? ENOUGH_BITS,
    sumBound: options.sumBound ?? EXACT_BOUND,
    means: (value) => meansOf(recipe, value),
  };
  const input = inputOf(graph, recipe);
  builder.name(graph.input);
  // The names of results are theirs from the start.
  for (const { original } of graph.outputs) builder.name(original);
  builder.input(graph.input, ['N', ...input.shape.slice(1)]);
  context.values.set(graph.input, input);
  for (const op of graph.ops) context.values.set(op.output, emit(context, op, graph));
  const results = graph.outputs.map((output) => ({ ...output, ...writeOutput(context, output) }));
  const { low, high } = recipe.input;
  const file = builder.encode({
    [METADATA.format]: '1',
    [METADATA.input]: JSON.stringify({ low, high }),
    [METADATA.outputs]: JSON.stringify(
      Object.fromEntries(results.map(({ original, scale, dropped }) => [original, { scale, dropped }])),
    ),
    [METADATA.source]: source.sha256,
  });
  return {
    file,
    values: context.values,
    swished: onlySwished(graph),
    report: reportOf(context, graph, input, { source: source.bytes, compiled: file.length }),
  };
}

function onlySwished({ ops }: PreparedGraph): ReadonlySet<ValueId> {
  const readers = readersOf(ops);
  const swished = (value: ValueId): boolean =>
    readers.get(value)?.every(({ kind }) => kind === 'hard-swish') ?? false;
  return new Set(ops.map(({ output }) => output).filter(swished));
}

function inputOf(graph: PreparedGraph, recipe: Recipe): Typed {
  const shape = graph.shapes.get(graph.input);
  if (shape === undefined)
    throw new Refusal('DYNAMIC_SHAPE', `the shape of the input ${graph.input} is not known`);
  const channels = channelsOf(shape);
  const { low, high, offset, scale } = recipe.input;
  for (const list of [offset, scale])
    if (list.length !== 1 && list.length !== channels)
      throw new Refusal('MALFORMED', `the recipe's input has ${list.length} channels, the model ${channels}`);
  const [offsets, scales] = [Float64Array.from(offset), Float64Array.from(scale)];
  return {
    name: graph.input,
    shape,
    scale: mapChannels(channels, (c) => at(scales, c)),
    zero: mapChannels(channels, (c) => -at(offsets, c)),
    low: new Float64Array(channels).fill(low),
    high: new Float64Array(channels).fill(high),
    fraction: 0,
  };
}

function writeOutput(
  context: Context,
  { value, original }: PreparedGraph['outputs'][number],
): { scale: number } {
  const given = context.values.get(value);
  const wanted = context.plan.get(value);
  if (given === undefined || wanted === undefined)
    throw new Refusal('MALFORMED', `nothing makes the output ${value}`);
  const { builder } = context;
  let x = withZero(context, given);
  if (uniform(x.scale) === null)
    x = requantise(context, x, { ...wanted, final: true }, `${original}/aligned`);
  const name = x.fraction === 0 ? x.name : builder.node('Floor', [x.name], `${original}/floor`);
  builder.result(name, original, ['N', ...x.shape.slice(1)]);
  return { scale: uniform(x.scale) ?? 1 };
}

function reportOf(
  context: Context,
  graph: PreparedGraph,
  input: Typed,
  bytes: CompileReport['bytes'],
): CompileReport {
  const { notes } = context;
  return {
    input: input.shape,
    macs: notes.reduce((sum, { macs }) => sum + macs, 0),
    bytes,
    nodes: notes,
    leastSlackBits: Math.min(...notes.map(({ slackBits }) => slackBits)),
    values: graph.ops.flatMap(({ output }) => {
      const typed = context.values.get(output);
      if (typed === undefined) return [];
      const most = (pick: (...all: number[]) => number, data: Float64Array): number =>
        data.reduce((all, value) => pick(all, value));
      return [
        {
          value: output,
          scale: most(Math.max, typed.scale),
          low: most(Math.min, typed.low),
          high: most(Math.max, typed.high),
        },
      ];
    }),
  };
}
