import { expect, it } from 'vitest';
import { float32Tensor, type Tensor } from '../../protocol/tensor.ts';
import type { Computed } from '../../subnet/kinds/infer/compare-claim.ts';
import { differences } from './differences.ts';

const tolerance = { class: 'T', relativeL2: 1e-4, floor: 1e-3, logOutputs: ['p'] } as const;
const tensor = (name: string, ...values: number[]): Tensor =>
  float32Tensor(name, [values.length], Float32Array.from(values));
const ran = (p: number, inside: number): Computed => ({
  outputs: [tensor('p', 1, p)],
  interior: [tensor('inside', inside)],
});

it('measures every tensor on its scales, and counts equal bits', () => {
  const a = { name: 'a', computed: [ran(0.5, 1), ran(0.5, 1), ran(0.5, 1)] };
  const b = { name: 'b', computed: [ran(0.5, 1), ran(0.5, 2), ran(0.25, 1)] };
  const found = differences({ tolerance: { ...tolerance, logOutputs: ['p'] } }, a, b);
  expect(found).toMatchObject({ a: 'a', b: 'b', inputs: 3, bitEqual: 1 });
  const max = Object.fromEntries(found.tensors.map((t) => [`${t.scale} ${t.tensor}`, t.max]));
  expect(max['linear p']).toBeCloseTo(0.25 / Math.hypot(1, 0.5), 6);
  expect(max['log p']).toBeCloseTo(1, 6);
  expect(max['linear inside']).toBe(1);
  expect(found.tensors.map(({ quantiles }) => quantiles.p50)).toEqual([0, 0, 0]);
});

it('takes NaN on one side, and integers that differ, for the largest difference there is', () => {
  const flag = (value: number): Computed => ({
    outputs: [{ name: 'n', dtype: 'uint8', dims: [1], data: Uint8Array.of(value) }],
    interior: [],
  });
  const model = { tolerance: { ...tolerance, logOutputs: ['p'] } };
  const max = (x: Computed, y: Computed) =>
    differences(model, { name: 'a', computed: [x] }, { name: 'b', computed: [y] }).tensors[0]?.max;
  expect(max(flag(1), flag(2))).toBe(Number.MAX_VALUE);
  expect(max(ran(NaN, 1), ran(1, 1))).toBe(Number.MAX_VALUE);
});
