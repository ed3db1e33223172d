import { describe, expect, it } from 'vitest';
import { Backoff, MAX_WAIT_MS, MIN_WAIT_MS, waitFor } from './backoff.ts';

describe('Backoff', () => {
  it('doubles from 1 s to 60 s and begins anew after a success', () => {
    const backoff = new Backoff(() => 0.999999);
    const waits = Array.from({ length: 9 }, () => backoff.next());
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(backoff.attempts).toBe(9);
    backoff.reset();
    expect(backoff.next()).toBe(1000);
  });

  it('draws from the upper half, so that a fleet spreads and nobody spins', () => {
    const low = new Backoff(() => 0);
    for (let attempt = 0; attempt < 40; attempt++) {
      const wait = low.next();
      expect(wait).toBeGreaterThanOrEqual(MIN_WAIT_MS / 2);
      expect(wait).toBeLessThanOrEqual(MAX_WAIT_MS);
    }
    expect(low.next()).toBe(MAX_WAIT_MS / 2);
  });
});

describe('waitFor', () => {
  it('ends on its event, on abort, or when the time is up', async () => {
    const beganMs = performance.now();
    const target = new EventTarget();
    const online = waitFor(60_000, new AbortController().signal, { target, event: 'online' });
    target.dispatchEvent(new Event('online'));
    await online;
    const abort = new AbortController();
    const aborted = waitFor(60_000, abort.signal);
    abort.abort();
    await aborted;
    await waitFor(60_000, abort.signal);
    await waitFor(1, new AbortController().signal);
    expect(performance.now() - beganMs).toBeLessThan(10_000);
  });
});
