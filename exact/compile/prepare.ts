import { inputsOf, type Graph, type Op, type ValueId } from '../graph.ts';

/**
 * An operation as it is emitted: with the bounds of a Clip that followed it, and for hard-swish the affine map of all channels
 * that followed it. Hard-sigmoids have become affine maps with bounds, which the convolution before them takes in, and averages
 * over windows are convolutions of one channel each.
 */
export type Prepared = Exclude<Op, { kind: 'hard-sigmoid' | 'average-pool' }> & {
  clamp: readonly [number, number];
  /** Of hard-swish only: scale · hard-swish(x) + shift. */
  post?: { scale: number; shift: number };
};

export type PreparedGraph = Omit<Graph, 'ops' | 'shapes'> & {
  ops: readonly Prepared[];
  shapes: Map<ValueId, readonly number[]>;
};

/** Does the operation round its result to whatever grid is wanted? */
export const choosesScale = ({ kind }: Prepared): boolean =>
  ['conv', 'conv-transpose', 'linear', 'matmul', 'affine', 'sigmoid', 'silu'].includes(kind);

/** Does it read zeros around its input? */
export const isPadded = (op: Prepared): boolean => op.kind === 'conv' && op.pads.some((pad) => pad > 0);

const FREE: readonly [number, number] = [-Infinity, Infinity];

/** Hard-sigmoid is an affine map and a Clip; x + x · gate is x · (gate + 1), which costs nothing on the small gate. */
function spellOut(
  op: Op,
  { shapes }: Graph,
  makers: ReadonlyMap<ValueId, Op>,
  uses: ReadonlyMap<ValueId, number>,
): Prepared[] {
  if (op.kind === 'average-pool') {
    const { kind: _, kernel, ...rest } = op;
    const groups = shapes.get(op.input)?.[1] ?? 1;
    const size = kernel[0] * kernel[1];
    const data = new Float64Array(groups * size).fill(1 / size);
    const weight = { shape: [groups, 1, ...kernel], data };
    const bias = new Float64Array(groups);
    return [{ ...rest, kind: 'conv', weight, bias, dilations: [1, 1], groups, clamp: FREE }];
  }
  if (op.kind === 'hard-sigmoid') {
    const { name, input, output, alpha, beta } = op;
    const scale = Float64Array.of(alpha);
    const shift = Float64Array.of(beta);
    return [{ kind: 'affine', name, input, output, scale, shift, clamp: [0, 1] }];
  }
  if (op.kind === 'add') {
    for (const [skip, other] of [op.inputs, [op.inputs[1], op.inputs[0]]] as const) {
      const gated = makers.get(other);
      if (gated?.kind !== 'mul' || gated.inputs[0] !== skip || uses.get(other) !== 1) continue;
      const { name, output } = op;
      const plusOne = `${gated.inputs[1]}+1`;
      const one = Float64Array.of(1);
      return [
        {
          kind: 'affine',
          name,
          input: gated.inputs[1],
          output: plusOne,
          scale: one,
          shift: one,
          clamp: FREE,
        },
        { kind: 'mul', name, inputs: [skip, plusOne], output, clamp: FREE },
      ];
    }
  }
  if (op.kind === 'sigmoid' || op.kind === 'softmax') return [{ ...op, clamp: [0, 1] }];
  return [{ ...op, clamp: FREE }];
}

const isOne = (data: Float64Array): boolean => data.length === 1;

/** `first` with the affine map `second` taken in, or null where that is not the same. */
function withAffine(first: Prepared, second: Extract<Prepared, { kind: 'affine' }>): Prepared | null {
  const { scale, shift } = second;
  const clamped = first.clamp[0] !== -Infinity || first.clamp[1] !== Infinity;
  const a = scale[0] ?? 1;
  const b = shift[0] ?? 0;
  // Bounds hold for all channels, so only a map that is the same for all of them moves them along.
  if (clamped && !(isOne(scale) && isOne(shift) && a > 0)) return null;
  const moved = clamped ? [a * first.clamp[0] + b, a * first.clamp[1] + b] : FREE;
  const clamp = [
    Math.max(moved[0] ?? -Infinity, second.clamp[0]),
    Math.min(moved[1] ?? Infinity, second.clamp[1]),
  ] as const;
  const { output } = second;
  const of = (data: Float64Array, channel: number): number => data[isOne(data) ? 0 : channel] ?? 0;
  if (first.kind === 'conv' || first.kind === 'linear' || first.kind === 'conv-transpose') {
    const { weight, bias } = first;
    const channelOf = outputChannel(first);
    return {
      ...first,
      output,
      clamp,
      weight: { ...weight, data: weight.data.map((value, i) => value * of(scale, channelOf(i))) },
      bias: bias.map((value, channel) => value * of(scale, channel) + of(shift, channel)),
    };
  }
  if (first.kind === 'affine') {
    const channels = Math.max(scale.length, shift.length, first.scale.length, first.shift.length);
    const each = (value: (channel: number) => number): Float64Array =>
      Float64Array.from({ length: channels }, (_, i) => value(i));
    return {
      ...first,
      output,
      clamp,
      scale: each((i) => of(first.scale, i) * of(scale, i)),
      shift: each((i) => of(first.shift, i) * of(scale, i) + of(shift, i)),
    };
  }
  if (first.kind !== 'hard-swish' || !isOne(scale) || !isOne(shift) || a <= 0 || clamped) return null;
  const { scale: before, shift: offset } = first.post ?? { scale: 1, shift: 0 };
  return { ...first, output, clamp, post: { scale: before * a, shift: offset * a + b } };
}

/** The output channel that an element of a weight belongs to. */
export function outputChannel(
  op: Extract<Prepared, { kind: 'conv' | 'linear' | 'conv-transpose' }>,
): (index: number) => number {
  const { shape } = op.weight;
  const [first = 1, second = 1] = shape;
  if (op.kind === 'linear') return (i) => i % second;
  const taps = (shape[2] ?? 1) * (shape[3] ?? 1);
  if (op.kind === 'conv') return (i) => Math.floor(i / (second * taps));
  const inputsPerGroup = first / op.groups;
  return (i) => {
    const input = Math.floor(i / (second * taps));
    return Math.floor(input / inputsPerGroup) * second + (Math.floor(i / taps) % second);
  };
}

/** Affine maps and Clips go into the operation before them, where nothing else reads its result. */
export function prepare(graph: Graph): PreparedGraph {
  const makers = new Map(graph.ops.map((op) => [op.output, op]));
  const uses = countUses(graph.ops, graph.outputs);
  const shapes = new Map(graph.shapes);
  const spelled = alive(
    graph.ops.flatMap((op) => spellOut(op, graph, makers, uses)),
    graph.outputs,
  );
  for (const op of spelled) {
    const shape = op.kind === 'affine' ? shapes.get(op.input) : undefined;
    if (shape !== undefined && !shapes.has(op.output)) shapes.set(op.output, shape);
  }
  const left = countUses(spelled, graph.outputs);
  const done = new Map<ValueId, Prepared>();
  for (const op of spelled) {
    const before = 'input' in op && left.get(op.input) === 1 ? done.get(op.input) : undefined;
    const merged =
      before === undefined
        ? null
        : op.kind === 'affine'
          ? withAffine(before, op)
          : op.kind === 'clip'
            ? withClip(before, op)
            : null;
    if (before !== undefined && merged !== null) done.delete(before.output);
    const next = merged ?? op;
    done.set(next.output, next);
  }
  return { ...graph, shapes, ops: [...done.values()] };
}

function withClip(first: Prepared, { output, low, high }: Extract<Prepared, { kind: 'clip' }>): Prepared {
  return { ...first, output, clamp: [Math.max(first.clamp[0], low), Math.min(first.clamp[1], high)] };
}

function countUses(ops: readonly (Op | Prepared)[], outputs: Graph['outputs']): ReadonlyMap<ValueId, number> {
  const uses = new Map<ValueId, number>();
  const use = (value: ValueId): void => void uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const op of ops) inputsOf(op).forEach(use);
  for (const { value } of outputs) use(value);
  return uses;
}

/** Without operations whose results nobody reads. */
function alive(ops: readonly Prepared[], outputs: Graph['outputs']): Prepared[] {
  const wanted = new Set(outputs.map(({ value }) => value));
  const kept: Prepared[] = [];
  for (const op of ops.toReversed()) {
    if (!wanted.has(op.output)) continue;
    kept.push(op);
    for (const input of inputsOf(op)) wanted.add(input);
  }
  return kept.reverse();
}
