import { type Draft, type DraftOf, type Program } from '../draft.ts';
import { type Around, rewrite } from './rewrite.ts';

type Affine = DraftOf<'affine'>;
type Weighted = DraftOf<'conv' | 'conv-transpose' | 'linear'>;

/** The number for a channel: one for all, or one each. */
const at = (values: Float64Array, channel: number): number => values[values.length === 1 ? 0 : channel] ?? 0;

/** second(first(x)) as one. */
function joined(first: Affine, second: Affine): Pick<Affine, 'scale' | 'shift'> {
  const scales = Math.max(first.scale.length, second.scale.length);
  const shifts = Math.max(scales, first.shift.length, second.shift.length);
  const scale = Float64Array.from({ length: scales }, (_, c) => at(first.scale, c) * at(second.scale, c));
  const shift = Float64Array.from(
    { length: shifts },
    (_, c) => at(second.scale, c) * at(first.shift, c) + at(second.shift, c),
  );
  return { scale, shift };
}

/** Which output channel a weight belongs to. */
function outputChannel(op: Weighted): (index: number) => number {
  const [a = 1, b = 1, h = 1, w = 1] = op.weight.shape;
  if (op.kind === 'linear') return (index) => index % b;
  if (op.kind === 'conv') return (index) => Math.floor(index / (b * h * w));
  // [in, out / groups, kh, kw]: the inputs of a group lie together.
  const perGroup = a / op.groups;
  return (index) => Math.floor(index / (b * h * w * perGroup)) * b + (Math.floor(index / (h * w)) % b);
}

/** scale · op(x) + shift as one operation. */
function after(op: Weighted, { name, output, scale, shift }: Affine): Draft {
  const channel = outputChannel(op);
  const data = op.weight.data.map((value, index) => value * at(scale, channel(index)));
  const bias = op.bias.map((value, index) => value * at(scale, index) + at(shift, index));
  return { ...op, name, output, weight: { shape: op.weight.shape, data }, bias };
}

/** Above three axes the channel of an affine is axis 1, and not what a linear layer or a layer norm makes. */
const lastIsChannel = (rank: number, { scale, shift }: Pick<Affine, 'scale' | 'shift'>): boolean =>
  rank <= 3 || (scale.length === 1 && shift.length === 1);

function afterNorm(norm: DraftOf<'layer-norm'>, { name, output, scale, shift }: Affine): Draft {
  return {
    ...norm,
    name,
    output,
    scale: norm.scale.map((value, channel) => value * at(scale, channel)),
    shift: norm.shift.map((value, channel) => value * at(scale, channel) + at(shift, channel)),
  };
}

function backward(op: Affine, { maker, once, shapes }: Around): Draft | undefined {
  const before = once(op.input) ? maker(op.input) : undefined;
  if (before?.kind === 'affine') return { ...op, input: before.input, ...joined(before, op) };
  if (before?.kind === 'conv' || before?.kind === 'conv-transpose') return after(before, op);
  if (!lastIsChannel(shapes.get(op.output)?.length ?? 0, op)) return undefined;
  if (before?.kind === 'linear') return after(before, op);
  if (before?.kind === 'layer-norm') return afterNorm(before, op);
  return undefined;
}

/** Whether `reader` can take the affine into its weights and give the same everywhere, also at the border. */
function takes(reader: Draft, affine: Affine, rank: number): boolean {
  if (reader.kind === 'linear') return lastIsChannel(rank, affine);
  if (reader.kind !== 'conv') return false;
  return reader.pads.every((pad) => pad === 0) || affine.shift.every((value) => value === 0);
}

/** op(scale · x + shift) as one operation; a shift under padding has been ruled out. */
function before(op: DraftOf<'conv' | 'linear'>, { input, scale, shift }: Affine): Draft {
  const [rows = 1, columns = 1, h = 1, w = 1] = op.weight.shape;
  const perGroup = op.kind === 'conv' ? rows / op.groups : 1;
  const outputOf = outputChannel(op);
  const inputOf = (index: number): number =>
    op.kind === 'linear'
      ? Math.floor(index / columns)
      : Math.floor(outputOf(index) / perGroup) * columns + (Math.floor(index / (h * w)) % columns);
  const bias = op.bias.slice();
  for (const [index, value] of op.weight.data.entries()) {
    const output = outputOf(index);
    bias[output] = (bias[output] ?? 0) + value * at(shift, inputOf(index));
  }
  const data = op.weight.data.map((value, index) => value * at(scale, inputOf(index)));
  return { ...op, input, weight: { shape: op.weight.shape, data }, bias };
}

function forward(op: Draft, { made, readers, returned, shapes }: Around): Draft | undefined {
  if (op.kind !== 'conv' && op.kind !== 'linear') return undefined;
  const affine = made(op.input, 'affine');
  const rank = shapes.get(op.input)?.length ?? 0;
  // Where one reader keeps it, it is computed anyway.
  if (affine === undefined || returned(op.input)) return undefined;
  return readers(op.input).every((reader) => takes(reader, affine, rank)) ? before(op, affine) : undefined;
}

/** Batch norms, biases and learned scales go into the weights before them, and what is left into those after. */
export function foldAffine(program: Program): Program {
  const back = rewrite(program, (op, around) => (op.kind === 'affine' ? backward(op, around) : undefined));
  return rewrite(back, forward);
}
