import type { ValueId } from '../../graph.ts';
import { type Draft, type DraftOf, draftInputs, type Program } from '../draft.ts';

/** What a rule sees around an operation. */
export type Around = {
  shapes: Program['shapes'];
  /** Who makes a value; undefined for the input. */
  maker: (value: ValueId) => Draft | undefined;
  /** The same where it is of that kind. */
  made: <K extends Draft['kind']>(value: ValueId, kind: K) => DraftOf<K> | undefined;
  /** Everyone who reads a value. */
  readers: (value: ValueId) => readonly Draft[];
  /** Exactly one operation reads it, and it is no output: whoever takes it in makes it disappear. */
  once: (value: ValueId) => boolean;
  returned: (value: ValueId) => boolean;
};

const isKind = <K extends Draft['kind']>(op: Draft, kind: K): op is DraftOf<K> => op.kind === kind;

function readersOf(ops: readonly Draft[]): Map<ValueId, Draft[]> {
  const readers = new Map<ValueId, Draft[]>();
  for (const op of ops)
    for (const input of draftInputs(op)) {
      const list = readers.get(input);
      if (list) list.push(op);
      else readers.set(input, [op]);
    }
  return readers;
}

/** Without operations that no output depends on. */
export function withoutDead(program: Program): Program {
  const used = new Set(program.outputs.map(({ value }) => value));
  const live = program.ops.toReversed().filter((op) => {
    if (!used.has(op.output)) return false;
    for (const input of draftInputs(op)) used.add(input);
    return true;
  });
  return { ...program, ops: live.reverse() };
}

/**
 * Puts in place of each operation what `rule` makes of it: another one for the same value, or undefined to leave it. A rule
 * sees the makers already rewritten, and readers as they were; what it bypasses is dropped afterwards.
 */
export function rewrite(program: Program, rule: (op: Draft, around: Around) => Draft | undefined): Program {
  const makers = new Map<ValueId, Draft>();
  const readers = readersOf(program.ops);
  const returned = new Set(program.outputs.map(({ value }) => value));
  const around: Around = {
    shapes: program.shapes,
    maker: (value) => makers.get(value),
    made: (value, kind) => {
      const op = makers.get(value);
      return op && isKind(op, kind) ? op : undefined;
    },
    readers: (value) => readers.get(value) ?? [],
    once: (value) => readers.get(value)?.length === 1 && !returned.has(value),
    returned: (value) => returned.has(value),
  };
  for (const op of program.ops) makers.set(op.output, rule(op, around) ?? op);
  return withoutDead({ ...program, ops: [...makers.values()] });
}
