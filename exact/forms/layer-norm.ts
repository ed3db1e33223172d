import { EXACT_BOUND } from '../format.ts';
import { roundedQuotient } from './quotient.ts';
import { root } from './root.ts';
import type { Writer } from './writer.ts';

/**
 * (x − mean) / deviation over the last axis, of `channels` whole numbers in [low, high]. The result lies in [−limit, limit] and
 * stands for `scale` times itself; one deviation is about `fine` steps, or fewer where 2^24 leaves no room. Scale and shift of the
 * layer are the caller's. `epsilon` is added to the variance of x, at least one step² of the sum of squares, which keeps rows of
 * equal numbers at 0.
 *
 * With y = channels · x − Σx, which is whole, clipped to ±`reach`: the variance of y is v · 2^2j / channels for
 * v = Σ floor(y · 2^-j + 1/2)², and the result is y · 2^a / floor(√(v + epsilon)), rounded.
 */
export function layerNorm(
  writer: Writer,
  x: string,
  options: {
    channels: number;
    low: number;
    high: number;
    limit: number;
    fine: number;
    /** The largest |y| that matters: the smaller, the finer the variance. Anything that can occur where it is left out. */
    reach?: number;
    epsilon?: number;
  },
  name: string,
): { output: string; scale: number } {
  const { channels, low, high, limit, fine } = options;
  const reach = Math.min(options.reach ?? Infinity, channels * (high - low));
  const wanted = (j: number): number =>
    Math.max(1, Math.round(((options.epsilon ?? 0) * channels ** 3) / 4 ** j));
  const { j, a } = shifts(channels, reach, limit, fine, wanted);
  const last = [writer.integers([-1])];
  const sum = writer.node('ReduceSum', [x, ...last], `${name}/sum`, { keepdims: 1 });
  const scaled = writer.node('Mul', [x, writer.scalar(channels)], `${name}/scaled`);
  const centred = writer.node('Sub', [scaled, sum], `${name}/centred`);
  const y = writer.node('Clip', [centred, writer.scalar(-reach), writer.scalar(reach)], `${name}/y`);

  const coarse = writer.node('Mul', [y, writer.scalar(2 ** -j)], `${name}/coarse`);
  const half = writer.node('Add', [coarse, writer.scalar(0.5)], `${name}/half`);
  const z = writer.node('Floor', [half], `${name}/z`);
  const squares = writer.node('Mul', [z, z], `${name}/squares`);
  const total = writer.node('ReduceSum', [squares, ...last], `${name}/total`, { keepdims: 1 });
  const v = writer.node('Add', [total, writer.scalar(wanted(j))], `${name}/v`);
  const s = root(writer, v, `${name}/deviation`);

  const n = writer.node('Mul', [y, writer.scalar(2 ** a)], `${name}/numerator`);
  const output = roundedQuotient(writer, n, s, { low: -limit, high: limit }, name);
  // One deviation of y is s · 2^j / √channels.
  return { output, scale: Math.sqrt(channels) / 2 ** (a + j) };
}

/** The smallest j whose sum of squares fits; the largest a that `fine` asks for and whose quotient fits. */
function shifts(
  channels: number,
  reach: number,
  limit: number,
  fine: number,
  epsilon: (j: number) => number,
): { j: number; a: number } {
  const furthest = (j: number): number => Math.floor(reach / 2 ** j + 0.5);
  let j = 0;
  // The root needs a margin of 4√v.
  const most = (): number => channels * furthest(j) ** 2 + epsilon(j);
  while (most() >= EXACT_BOUND - 2 ** 15) j++;
  const deviation = Math.ceil(Math.sqrt(most())) + 1;
  let a = 0;
  while (2 ** (a + 1 + j) <= fine * Math.sqrt(channels)) a++;
  const widest = (): number => 2 ** (a + 1) * reach + deviation + 2 * deviation * (limit + 1);
  while (a > 0 && widest() >= EXACT_BOUND) a--;
  return { j, a };
}
