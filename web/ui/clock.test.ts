// @vitest-environment happy-dom
import { effect } from '@preact/signals';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { visibleClock } from './clock.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const visible = (state: DocumentVisibilityState): void => {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(state);
  document.dispatchEvent(new Event('visibilitychange'));
};

it('runs one timer while it is read, and none when nobody reads it', async () => {
  const clock = visibleClock();
  expect(vi.getTimerCount()).toBe(0);
  const seen: number[] = [];
  const end = effect(() => void seen.push(clock.value));
  const endOther = effect(() => void clock.value);
  await vi.advanceTimersByTimeAsync(2000);
  expect(vi.getTimerCount()).toBe(1);
  expect(seen.at(-1)).toBe(Date.now());
  end();
  endOther();
  expect(vi.getTimerCount()).toBe(0);
});

it('rests while the page is hidden and catches up when it is shown', async () => {
  const clock = visibleClock();
  const end = effect(() => void clock.value);
  await vi.advanceTimersByTimeAsync(1000);
  visible('hidden');
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(60_000);
  visible('visible');
  expect(clock.value).toBe(Date.now());
  expect(vi.getTimerCount()).toBe(1);
  end();
});

it('leaves no timer behind a view that went at once', async () => {
  effect(() => void visibleClock().value)();
  await vi.advanceTimersByTimeAsync(10);
  expect(vi.getTimerCount()).toBe(0);
});
