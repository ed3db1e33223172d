import type { Writer } from './writer.ts';

/** onnx.proto, TensorProto.DataType */
const INT32 = 6;

/**
 * f(x) of whole numbers x in [low, high], from a table of high − low + 1 entries. Any function that no polynomial of few bits
 * gives (exp, sigmoid, silu): backends differ in the last bits of those, a table does not. Lookups are slow next to arithmetic, so
 * it is for few values or few channels. Throws RangeError where `f` gives what f32 does not hold.
 */
export function table(
  writer: Writer,
  x: string,
  { low, high }: { low: number; high: number },
  f: (x: number) => number,
  name: string,
): string {
  const entries = Array.from({ length: high - low + 1 }, (_, index) => f(low + index));
  const values = writer.floats(`${name}/table`, [entries.length], entries);
  const shifted = low === 0 ? x : writer.node('Sub', [x, writer.scalar(low)], `${name}/shifted`);
  const index = writer.node('Cast', [shifted], `${name}/index`, { to: INT32 });
  return writer.node('Gather', [values, index], name, { axis: 0 });
}
