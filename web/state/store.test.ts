import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FLUSH_MS, StateStore } from './store.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('StateStore', () => {
  it('gathers many changes into one for the views, and shows urgent ones at once', () => {
    const store = new StateStore();
    const seen = vi.fn<() => void>();
    store.on('state', seen);
    for (let i = 1; i <= 100; i++) store.update({ rates: { hashesPerSecond: i, inferencesPerMinute: 0 } });
    expect(store.current.rates.hashesPerSecond).toBe(100);
    expect(store.signal.value.rates.hashesPerSecond).toBe(0);
    vi.advanceTimersByTime(FLUSH_MS);
    expect(store.signal.value.rates.hashesPerSecond).toBe(100);
    expect(seen).toHaveBeenCalledTimes(1);
    store.update({ phase: 'starting' }, 'now');
    expect(store.signal.value.phase).toBe('starting');
  });

  it('keeps a problem once, and no more than twenty', () => {
    const store = new StateStore();
    const problem = { code: 'A', title: '', advice: '', severity: 'notice' as const, sinceMs: 0 };
    store.addProblem(problem);
    store.addProblem({ ...problem, title: 'newer' });
    expect(store.current.problems).toEqual([{ ...problem, title: 'newer' }]);
    for (let i = 0; i < 50; i++) store.addProblem({ ...problem, code: `B${i}` });
    expect(store.current.problems).toHaveLength(20);
    store.clearProblem('B49');
    expect(store.current.problems).toHaveLength(19);
  });

  it('a listener that throws keeps nobody else from hearing', () => {
    const store = new StateStore();
    const report = vi.fn<(error: unknown) => void>();
    vi.stubGlobal('reportError', report);
    const heard = vi.fn<() => void>();
    store.on('problem', () => {
      throw new Error('broken listener');
    });
    const off = store.on('problem', heard);
    store.addProblem({ code: 'A', title: '', advice: '', severity: 'notice', sinceMs: 0 });
    off();
    store.addProblem({ code: 'B', title: '', advice: '', severity: 'notice', sinceMs: 0 });
    expect(heard).toHaveBeenCalledTimes(1);
    expect(report).toHaveBeenCalledTimes(2);
    vi.unstubAllGlobals();
  });
});
