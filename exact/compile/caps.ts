import type { ValueId } from '../graph.ts';
import { readersOf } from './groups.ts';
import { liftable } from './lifts.ts';
import type { Prepared, PreparedGraph } from './prepare.ts';

/** Is every result a sum over all channels of the input? */
export const sumsChannels = (op: Prepared): boolean =>
  op.kind === 'linear' || (op.kind === 'conv' && op.groups === 1);

/** Does a sum over channels read what this makes of its input? */
function feedsSums(value: ValueId, readers: ReadonlyMap<ValueId, readonly Prepared[]>): boolean {
  return (readers.get(value) ?? []).some((op) => {
    if (sumsChannels(op)) return true;
    const passes = ['hard-swish', 'mul', 'concat', 'reshape', 'transpose', 'max-pool', 'upsample'].includes(
      op.kind,
    );
    return passes && feedsSums(op.output, readers);
  });
}

/**
 * The values whose channels may each be bounded by what they usually hold: those that sums over channels read, where the bound of
 * the whole value would be that of its loudest channel. Liftable ones have finer grids instead.
 */
export function cappable(graph: PreparedGraph): ReadonlySet<ValueId> {
  const readers = readersOf(graph.ops);
  const lifted = liftable(graph);
  const makes = ({ kind, output }: Prepared): boolean =>
    kind === 'mul' ||
    kind === 'silu' ||
    (kind === 'conv' && readers.get(output)?.every((op) => op.kind === 'hard-swish') === true);
  return new Set(
    graph.ops
      .filter((op) => makes(op) && !lifted.has(op.output) && feedsSums(op.output, readers))
      .map(({ output }) => output),
  );
}
