import type { Writer } from './writer.ts';

/**
 * floor(√v) of whole numbers v, 1 ≤ v < 2^24 − 2^14. Exact although Sqrt is not: with the guess s at most one off, v − s² < 0
 * says that it is too large, v − s² > 2s that it is too small.
 */
export function root(writer: Writer, v: string, name: string): string {
  const [minus, zero, one] = [writer.scalar(-1), writer.scalar(0), writer.scalar(1)];
  const guess = writer.node('Sqrt', [v], `${name}/guess`);
  const s = writer.node('Floor', [guess], `${name}/floor`);
  const square = writer.node('Mul', [s, s], `${name}/square`);
  const remainder = writer.node('Sub', [v, square], `${name}/remainder`);
  const twice = writer.node('Add', [s, s], `${name}/twice`);
  const excess = writer.node('Sub', [remainder, twice], `${name}/excess`);
  const more = writer.node('Clip', [excess, zero, one], `${name}/more`);
  const fewer = writer.node('Clip', [remainder, minus, zero], `${name}/fewer`);
  return writer.node('Add', [s, writer.node('Add', [more, fewer], `${name}/correction`)], name);
}
