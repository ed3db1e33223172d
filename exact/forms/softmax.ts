import { quotient } from './quotient.ts';
import { table } from './table.ts';
import type { Writer } from './writer.ts';

/** Bits of the largest exponential, by how many are summed: so that sum and quotient stay below 2^24. */
const exponentialBits = (row: number): number => Math.min(12, 20 - Math.ceil(Math.log2(row)));

/**
 * Softmax over the last axis, of `row` whole numbers that stand for `scale` times themselves. The result stands for 2^-`bits`
 * times itself, in [0, 2^bits], `bits` at most 11. Exponentials of x less the row's largest come from a table; what lies further
 * below than rounds to 0 is clipped. Then 2^bits · e / Σe is a quotient of whole numbers, rounded.
 */
export function softmax(
  writer: Writer,
  x: string,
  { row, scale, bits }: { row: number; scale: number; bits: number },
  name: string,
): string {
  const unit = 2 ** exponentialBits(row);
  // Where unit · exp(−depth · scale) is below one half; the table's length, at most.
  const depth = Math.min(4095, Math.ceil(Math.log(2 * unit) / scale));
  const largest = writer.node('ReduceMax', [x], `${name}/largest`, { axes: [-1], keepdims: 1 });
  const below = writer.node('Sub', [x, largest], `${name}/below`);
  const clipped = writer.node('Clip', [below, writer.scalar(-depth), writer.scalar(0)], `${name}/clipped`);
  const range = { low: -depth, high: 0 };
  // The last entry is what everything deeper gets.
  const e = table(
    writer,
    clipped,
    range,
    (value) => (value === -depth ? 0 : Math.round(unit * Math.exp(value * scale))),
    `${name}/exponential`,
  );
  const sum = writer.node('ReduceSum', [e, writer.integers([-1])], `${name}/sum`, { keepdims: 1 });
  // The largest one is `unit`, but bounds of the table know only that none is below 0.
  const divisor = writer.node(
    'Clip',
    [sum, writer.scalar(unit), writer.scalar(unit * row)],
    `${name}/divisor`,
  );
  const scaled = writer.node('Mul', [e, writer.scalar(2 ** (bits + 1))], `${name}/scaled`);
  const n = writer.node('Add', [scaled, divisor], `${name}/numerator`);
  const d = writer.node('Add', [divisor, divisor], `${name}/twice`);
  return quotient(writer, n, d, { low: 0, high: 2 ** bits }, name);
}
