import { expect, it } from 'vitest';
import type { AppState, UnitRow } from '../state/types.ts';
import { panes, WINDOW_COUNT } from './windows.ts';

const unit = (n: number, status: UnitRow['status']): UnitRow => ({
  taskId: String(n),
  kind: 'hash',
  label: '',
  status,
  provider: null,
  elapsedMs: null,
  work: null,
  refusal: null,
  atMs: n,
});
const counts = (accepted: number, released = 0): AppState['counts'] => ({
  hash: { accepted, rejected: 0, released },
  infer: { accepted: 0, rejected: 0, released: 0 },
});

it('starts at the first window', () => {
  const wall = panes([unit(0, 'accepted'), unit(1, 'running')], counts(1));
  expect(wall).toHaveLength(WINDOW_COUNT);
  expect(wall.slice(0, 3).map((p) => p?.status)).toEqual(['accepted', 'running', undefined]);
});

it('keeps every unit in its window as others come and end', () => {
  const before = panes([unit(0, 'accepted'), unit(1, 'running')], counts(1));
  const after = panes([unit(2, 'leased'), unit(1, 'accepted'), unit(0, 'accepted')], counts(2));
  expect(after[0]).toEqual(before[0]);
  expect(after.slice(0, 3).map((p) => p?.status)).toEqual(['accepted', 'accepted', 'leased']);
});

it('goes round, and forgets units that left the list', () => {
  const total = WINDOW_COUNT + 5;
  const wall = panes([unit(total - 1, 'released'), unit(total - 2, 'accepted')], counts(total - 1, 1));
  expect(wall[4]?.status).toBe('released');
  expect(wall[3]?.status).toBe('accepted');
  expect(wall.filter((p) => p !== null)).toHaveLength(2);
});

it('never shows more than the wall holds', () => {
  const many = Array.from({ length: 3 * WINDOW_COUNT }, (_, n) => unit(n, 'accepted'));
  expect(panes(many, counts(many.length)).every((p) => p?.status === 'accepted')).toBe(true);
});
