import { expect, it } from 'vitest';
import { SlicePlanner } from './slice-planner.ts';

/** Runs `slices` slices on hardware of a fixed rate and overhead; returns the length of each in milliseconds. */
function run(planner: SlicePlanner, noncesPerMs: number, overheadMs: number, slices: number): number[] {
  return Array.from({ length: slices }, () => {
    const count = planner.next(2 ** 32);
    const elapsed = count / noncesPerMs + overheadMs;
    planner.measured(count, elapsed);
    return elapsed;
  });
}

it.each([
  ['a software adapter', 500],
  ['a fast GPU', 1_000_000],
])('settles at the wanted time on %s', (_, rate) => {
  const times = run(new SlicePlanner({ sliceMs: 16, initial: 1024, max: 2 ** 26 }), rate, 0.5, 60);
  expect(times.at(-1)).toBeGreaterThan(14);
  expect(Math.max(...times)).toBeLessThan(17);
});

it('shrinks when the hardware slows down', () => {
  const planner = new SlicePlanner({ sliceMs: 16, initial: 1024, max: 2 ** 26 });
  run(planner, 1000, 0, 40);
  expect(run(planner, 100, 0, 40).at(-1)).toBeLessThan(17);
});

it('never passes its maximum or the remainder, and ignores short last slices', () => {
  const planner = new SlicePlanner({ sliceMs: 1000, initial: 1024, max: 4096 });
  run(planner, 10_000, 0, 10);
  expect(planner.next(2 ** 32)).toBe(4096);
  expect(planner.next(7)).toBe(7);
  planner.measured(7, 500);
  expect(planner.next(2 ** 32)).toBe(4096);
});
