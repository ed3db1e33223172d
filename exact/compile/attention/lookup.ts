import { table } from '../../forms/table.ts';
import type { Context } from '../context.ts';
import type { Target } from '../plan.ts';
import type { Prepared } from '../prepare.ts';
import { Refusal } from '../refusal.ts';
import { at, channelsOf, filled, type Typed } from '../typed.ts';
import { asWhole } from './whole.ts';

/** The longest list that is looked up: 256 KiB, which still stays in a cache. */
const MOST_ENTRIES = 2 ** 16;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Sigmoid and SiLU of whole numbers, from a list of what each gives on the grid that is wanted. */
export function emitLookup(
  context: Context,
  op: Extract<Prepared, { kind: 'sigmoid' | 'silu' }>,
  given: Typed,
  wanted: Target,
): Typed {
  const x = asWhole(context, given, `${op.output}/in`);
  const entries = x.most - x.least + 1;
  if (entries > MOST_ENTRIES)
    throw new Refusal(
      'UNCERTIFIABLE',
      `${op.name}: a list of ${entries} entries; its input needs fewer bits`,
    );
  const channels = channelsOf(given.shape);
  const scale = at(wanted.scale, 0);
  const low = Math.max(wanted.low, Math.ceil(op.clamp[0] / scale));
  const high = Math.min(wanted.high, Math.floor(op.clamp[1] / scale));
  const zero = x.zero[0] ?? 0;
  const value = (q: number): number => {
    const real = x.unit * (q + zero);
    const result = op.kind === 'silu' ? real * sigmoid(real) : sigmoid(real);
    return Math.min(high, Math.max(low, Math.round(result / scale)));
  };
  const all = Array.from({ length: entries }, (_, i) => value(x.least + i));
  return {
    name: table(context.builder, x.name, { low: x.least, high: x.most }, value, op.output),
    shape: given.shape,
    scale: filled(channels, scale),
    zero: filled(channels, 0),
    low: filled(channels, Math.min(...all)),
    high: filled(channels, Math.max(...all)),
    fraction: 0,
  };
}
