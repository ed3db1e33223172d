import { inputsOf, type OpKind, type ValueId } from '../graph.ts';
import type { Prepared, PreparedGraph } from './prepare.ts';

/** Sets of values, by union-find. */
export class Sets {
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

/** Operations that leave the numbers as they are. */
export const MOVES: ReadonlySet<OpKind> = new Set([
  'clip',
  'max-pool',
  'upsample',
  'reshape',
  'transpose',
  'slice',
]);

/** Operations that take every channel with a scale of its own, at no cost. */
const ANY_SCALE: ReadonlySet<OpKind> = new Set([
  'conv',
  'conv-transpose',
  'linear',
  'global-average',
  'max-pool',
  'upsample',
]);

/** Who reads each value. */
export function readersOf(ops: readonly Prepared[]): ReadonlyMap<ValueId, readonly Prepared[]> {
  const readers = new Map<ValueId, Prepared[]>();
  for (const op of ops)
    for (const input of inputsOf(op)) readers.set(input, [...(readers.get(input) ?? []), op]);
  return readers;
}

/** Is `inputs[1]` of a Mul one number for each channel of `inputs[0]`? */
export const isGate = (op: Extract<Prepared, { kind: 'mul' }>, shapes: PreparedGraph['shapes']): boolean => {
  const gate = shapes.get(op.inputs[1]) ?? [];
  return gate.length === 4 && gate[2] === 1 && gate[3] === 1;
};

/** Values that must have the same scale: what is added, joined or moved, and hard-swish with its input. */
export function scaleGroups({ ops }: PreparedGraph): Sets {
  const readers = readersOf(ops);
  const sets = new Sets();
  for (const op of ops) for (const value of sharing(op, readers)) sets.unite(op.output, value);
  return sets;
}

function sharing(op: Prepared, readers: ReadonlyMap<ValueId, readonly Prepared[]>): readonly ValueId[] {
  if (op.kind === 'add') return op.inputs;
  if (op.kind === 'concat')
    return (readers.get(op.output) ?? []).every(({ kind }) => ANY_SCALE.has(kind)) ? [] : op.inputs;
  if (op.kind === 'hard-swish') return op.post === undefined ? [op.input] : [];
  return 'input' in op && MOVES.has(op.kind) ? [op.input] : [];
}
