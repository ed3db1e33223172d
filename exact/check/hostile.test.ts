import { describe, expect, it } from 'vitest';
import type { Builder } from '../compile/builder.ts';
import { LEVELS, runBackend } from '../testing/backends.ts';
import { dialect } from '../testing/dialect.ts';
import { checkExact } from './check.ts';

type Body = (builder: Builder, x: string) => string;
type Shape = { input: readonly number[]; low: number; high: number };

const file = (shape: Shape, body: Body): Uint8Array =>
  dialect({ ...shape, body: (b, x) => ({ y: b.node('Floor', [body(b, x)], 'whole') }) });
const verdict = (bytes: Uint8Array): string => {
  const result = checkExact(bytes);
  return result.ok ? 'ok' : `${result.code}: ${result.message}`;
};
/** What each optimisation level of the CPU runtime makes of one input, without repetition. */
async function answers(bytes: Uint8Array, shape: readonly number[], data: number[]): Promise<number[][]> {
  const found = new Map<string, number[]>();
  for (const level of LEVELS) {
    const outputs = await runBackend(bytes, { shape, data }, { provider: 'cpu', level });
    const values = [...outputs.values()].flatMap((output) => [...output]);
    found.set(values.join(), values);
  }
  return [...found.values()];
}

const pixels = { input: [1, 1, 2], low: 0, high: 255 };
const times = (b: Builder, x: string, ...factors: number[]): string =>
  factors.reduce((value, factor, at) => b.node('Mul', [value, b.scalar(factor)], `times${at}`), x);
const weighed = (b: Builder, x: string, weight: number): string =>
  b.node('Conv', [x, b.floats('w', [1, 1, 1, 1], [weight])], 'sum');

/** Files that look exact node by node, and are not once a runtime has folded, fused or mixed what it may. */
describe('the checker refuses', () => {
  it('factors that make a weight vanish when they are folded into it', async () => {
    const folded = (bits: number): Uint8Array =>
      file(pixels, (b, x) => times(b, weighed(b, times(b, x, 2 ** bits), 2 ** -bits), 2 ** -bits, 2 ** bits));
    const [one, ...others] = await answers(folded(50), [1, 1, 1, 2], [3, 255]);
    expect([one, others]).toEqual([[3, 255], []]);
    expect(verdict(folded(50))).toBe('ok');
    expect(await answers(folded(100), [1, 1, 1, 2], [3, 255])).toHaveLength(2);
    expect(verdict(folded(100))).toContain('UNCERTIFIED');
  });

  it('factors that make a weight infinite, also where it weighs nothing but zeros', async () => {
    const idle = (factors: number): Uint8Array =>
      file(pixels, (b, x) => {
        const zero = b.node('Clip', [x, b.scalar(0), b.scalar(0)], 'zero');
        return times(b, weighed(b, zero, 1), ...Array.from({ length: factors }, () => 2 ** 24 - 1));
      });
    expect(verdict(idle(1))).toBe('ok');
    expect(await answers(idle(1), [1, 1, 1, 2], [3, 255])).toEqual([[0, 0]]);
    expect(await answers(idle(7), [1, 1, 1, 2], [3, 255])).toHaveLength(2);
    expect(verdict(idle(7))).toContain('UNCERTIFIED');
  });

  it('subnormal weights, which some devices flush', () => {
    expect(verdict(file(pixels, (b, x) => times(b, x, 2 ** 60, 2 ** -140, 2 ** 80)))).toContain('a grid of');
  });

  it('ranges of rows where a window reaches over rows', () => {
    const rows = { input: [2, 1, 1], low: 0, high: 7 };
    const mixed = file(rows, (b, x) => {
      const uneven = b.node('Mul', [x, b.floats('f', [2, 1, 1], [1, 2 ** 20])], 'uneven');
      const turned = b.node('Transpose', [uneven], 'turned', { perm: [0, 2, 1, 3] });
      const pooled = b.node('MaxPool', [turned], 'pooled', { kernel_shape: [3, 1], pads: [1, 0, 1, 0] });
      return b.node('Mul', [pooled, b.floats('g', [1, 2, 1], [2 ** 20 + 1, 1])], 'beyond');
    });
    expect(verdict(mixed)).toContain('sums of up to');
  });

  it('a clip without bounds as the end of a sum', () => {
    const sum: Body = (b, x) => b.node('Add', [x, b.scalar(1)], 'added');
    expect(verdict(file(pixels, (b, x) => b.node('Clip', [sum(b, x)], 'clip')))).toContain('no bounds');
    expect(verdict(file(pixels, (b, x) => b.node('Clip', [sum(b, x), b.scalar(0)], 'clip')))).toBe('ok');
  });

  it('attributes of another type, which runtimes refuse or leave out', () => {
    const grouped = (group: number | { float: number }): Uint8Array =>
      file({ input: [2, 1, 1], low: 0, high: 7 }, (b, x) =>
        b.node('Conv', [x, b.floats('w', [2, 1, 1, 1], [1, 2])], 'sum', { group }),
      );
    expect(verdict(grouped(2))).toBe('ok');
    expect(verdict(grouped({ float: 2 }))).toContain('attribute group');
    const gate = (alpha: number | { float: number }): Uint8Array =>
      file(pixels, (b, x) => b.node('HardSigmoid', [x], 'gate', { alpha, beta: { float: 0 } }));
    expect(verdict(gate({ float: 1 }))).toBe('ok');
    expect(verdict(gate(1))).toContain('attribute alpha');
    expect(
      verdict(
        file(pixels, (b, x) => b.node('ReduceSum', [x, b.integers([2])], 'sum', { keepdims: { float: 1 } })),
      ),
    ).toContain('attribute keepdims');
  });
});

it('a resize along the axis of the channels is typed, and breaks nothing', () => {
  const nearest = {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  } as const;
  const turned = file({ input: [2, 4, 4], low: -8, high: 7 }, (b, x) => {
    const rows = b.node('Transpose', [x], 'rows', { perm: [0, 2, 1, 3] });
    return b.node('Resize', [rows, '', b.floats('s', [4], [1, 1, 2, 2])], 'grown', nearest);
  });
  expect(verdict(turned)).toBe('ok');
});
