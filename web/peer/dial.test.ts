import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PeerId } from '../../protocol/ids.ts';
import { dialValidator, WEBRTC_TIMEOUT_MS } from './dial.ts';

const plan = { peer: 'p' as PeerId, webrtc: ['w'], websocket: ['s'] };
const never = (signal: AbortSignal) =>
  new Promise<string>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });

describe('dialValidator', () => {
  beforeEach(() => {
    // AbortSignal.timeout runs on the real clock; here the test says when it is up.
    vi.useFakeTimers();
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new DOMException('timeout', 'TimeoutError')), ms);
      return controller.signal;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it('takes WebRTC-Direct when it answers', async () => {
    const dialled = await dialValidator(
      plan,
      ([address]) => Promise.resolve(address),
      new AbortController().signal,
    );
    expect(dialled).toEqual({
      ok: true,
      value: { connection: 'w', transport: 'webrtc-direct', fallbackReason: null },
    });
  });

  it('falls back to WebSocket when UDP stays silent for 8 s, and says so', async () => {
    const dial = ([address]: string[], signal: AbortSignal) =>
      address === 'w' ? never(signal) : Promise.resolve('socket');
    const dialled = dialValidator(plan, dial, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(WEBRTC_TIMEOUT_MS);
    expect(await dialled).toEqual({
      ok: true,
      value: { connection: 'socket', transport: 'websocket', fallbackReason: 'no answer in 8 s' },
    });
  });

  it('names both reasons when nothing answers', async () => {
    const dial = ([address]: string[]) => Promise.reject(new Error(`no ${address}`));
    const dialled = await dialValidator(plan, dial, new AbortController().signal);
    expect(dialled).toMatchObject({ ok: false, message: 'WebRTC-Direct: no w; WebSocket: no s' });
  });

  it('does not try WebSocket after Stop', async () => {
    const abort = new AbortController();
    const dial = vi.fn<(addresses: string[], signal: AbortSignal) => Promise<string>>((_, signal) =>
      never(signal),
    );
    const dialled = dialValidator(plan, dial, abort.signal);
    abort.abort();
    expect(await dialled).toMatchObject({ ok: false });
    expect(dial).toHaveBeenCalledTimes(1);
  });
});
