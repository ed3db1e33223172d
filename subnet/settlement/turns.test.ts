import { expect, it } from 'vitest';
import { isMyTurn, type Turn } from './turns.ts';

const turn = (change: Partial<Turn>): boolean =>
  isMyTurn({
    epoch: 4,
    validators: ['a', 'b', 'c'],
    self: 'b',
    active: null,
    silentMs: 0,
    patienceMs: 100,
    ...change,
  });

it('begins with the validator at the place of the epoch', () => {
  expect(['a', 'b', 'c'].map((self) => turn({ self }))).toEqual([false, true, false]);
  expect(['a', 'b', 'c'].map((self) => turn({ self, epoch: 5 }))).toEqual([false, false, true]);
});

it('passes to the next one each time nobody does anything for a while', () => {
  expect(['a', 'b', 'c'].map((self) => turn({ self, silentMs: 100 }))).toEqual([false, true, true]);
  expect(['a', 'b', 'c'].map((self) => turn({ self, silentMs: 200 }))).toEqual([true, true, true]);
});

it('stays with whoever is at it, and goes on from there', () => {
  expect(['a', 'b', 'c'].map((self) => turn({ self, active: 'c' }))).toEqual([false, false, true]);
  expect(['a', 'b', 'c'].map((self) => turn({ self, active: 'c', silentMs: 100 }))).toEqual([
    true,
    false,
    true,
  ]);
});

it('is nobody else’s', () => {
  expect(turn({ self: 'x', silentMs: 1e9 })).toBe(false);
});
