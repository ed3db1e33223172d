import type { Writer } from './writer.ts';

/**
 * clip(floor(n / d), low, high) of whole numbers: n of any sign, d ≥ 1 of n's shape or one that broadcasts to it, bounds with
 * low ≤ 0 ≤ high and below 2^12. Exact although Div is not: with the guess at most one off, the remainder r = n − q·d says by
 * its sign, and that of r − d, which way. Outside the bounds every guess is clipped alike. Proof: docs/exact.md.
 */
export function quotient(
  writer: Writer,
  n: string,
  d: string,
  { low, high }: { low: number; high: number },
  name: string,
): string {
  const bounds = [writer.scalar(low), writer.scalar(high)];
  const negative = [writer.scalar(-1), writer.scalar(0)];
  const guess = writer.node('Div', [n, d], `${name}/guess`);
  const within = writer.node('Clip', [guess, ...bounds], `${name}/within`);
  const q = writer.node('Floor', [within], `${name}/floor`);
  const part = writer.node('Mul', [q, d], `${name}/part`);
  const remainder = writer.node('Sub', [n, part], `${name}/remainder`);
  const excess = writer.node('Sub', [remainder, d], `${name}/excess`);
  // −1 where d does not fit into the remainder once more, and −1 where it was taken once too often.
  const more = writer.node('Clip', [excess, ...negative], `${name}/more`);
  const fewer = writer.node('Clip', [remainder, ...negative], `${name}/fewer`);
  const correction = writer.node('Add', [more, fewer], `${name}/correction`);
  const corrected = writer.node('Add', [q, correction], `${name}/corrected`);
  const whole = writer.node('Add', [corrected, writer.scalar(1)], `${name}/whole`);
  return writer.node('Clip', [whole, ...bounds], name);
}

/** clip(floor(n / d + 1/2), low, high): the same, rounded. */
export function roundedQuotient(
  writer: Writer,
  n: string,
  d: string,
  bounds: { low: number; high: number },
  name: string,
): string {
  const twice = writer.node('Add', [d, d], `${name}/twice`);
  const double = writer.node('Add', [n, n], `${name}/double`);
  return quotient(writer, writer.node('Add', [double, d], `${name}/half`), twice, bounds, name);
}
